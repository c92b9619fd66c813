package peer;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/** The twin of tests/chaos/topology.cc: the same topics, stores and texts, so that tests/chaos/model.py judges both. Without its stalls and oversized records. */
final class ChaosTopology {
  private static final String SEQUENCES = "sequences";
  private static final String TIMERS = "timers";
  private static final int GROUPS = 7;

  static Topology build(String prefix, long timerMs) {
    StreamsBuilder builder = new StreamsBuilder();
    for (String store : List.of(SEQUENCES, TIMERS)) {
      builder.addStateStore(Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(store), Serdes.String(), Serdes.String()));
    }
    KStream<String, String> in = builder.stream(prefix + "in");
    in.mapValues(value -> value).to(prefix + "echo");
    KStream<String, String> ids = in.mapValues(value -> String.valueOf(numbers(value)[0]));
    ids.to(prefix + "left");
    ids.to(prefix + "right");
    in.groupByKey().aggregate(() -> "", (key, value, stats) -> addToStats(value, stats), Materialized.as("stats"))
        .toStream().to(prefix + "stats");
    in.selectKey((key, value) -> "group" + numbers(value)[1] % GROUPS).groupByKey()
        .aggregate(() -> "", (key, value, group) -> addToGroup(value, group), Materialized.as("groups"))
        .toStream().to(prefix + "groups");
    in.process(Sequencer::new, SEQUENCES).to(prefix + "sequences");
    in.process(() -> new Timer(timerMs), TIMERS).to(prefix + "timers");
    return builder.build();
  }

  private static long[] numbers(String text) {
    return Arrays.stream(text.split(" ")).mapToLong(Long::parseLong).toArray();
  }

  private static String text(long... numbers) {
    StringBuilder text = new StringBuilder();
    for (long number : numbers) text.append(text.length() == 0 ? "" : " ").append(number);
    return text.toString();
  }

  /** count, sum, least, greatest, last id. */
  private static String addToStats(String value, String stats) {
    long id = numbers(value)[0];
    long amount = numbers(value)[1];
    if (stats.isEmpty()) return text(1, amount, amount, amount, id);
    long[] s = numbers(stats);
    return text(s[0] + 1, s[1] + amount, Math.min(s[2], amount), Math.max(s[3], amount), id);
  }

  private static String addToGroup(String value, String group) {
    long amount = numbers(value)[1];
    if (group.isEmpty()) return text(1, amount);
    long[] g = numbers(group);
    return text(g[0] + 1, g[1] + amount);
  }

  /** Forwards for each record its place within its key. */
  private static final class Sequencer implements Processor<String, String, String, String> {
    private ProcessorContext<String, String> context;
    private KeyValueStore<String, String> counts;

    @Override
    public void init(ProcessorContext<String, String> context) {
      this.context = context;
      counts = context.getStateStore(SEQUENCES);
    }

    @Override
    public void process(Record<String, String> record) {
      String before = counts.get(record.key());
      long place = before == null ? 1 : Long.parseLong(before) + 1;
      counts.put(record.key(), String.valueOf(place));
      context.forward(record.withValue(text(numbers(record.value())[0], place)));
    }
  }

  /** Forwards "DUE NOW" once for each key, when its time has come. What has fired stays in the store as 0. */
  private static final class Timer implements Processor<String, String, String, String> {
    private static final Duration STEP = Duration.ofMillis(100);
    private final long waitMs;
    private ProcessorContext<String, String> context;
    private KeyValueStore<String, String> due;

    Timer(long waitMs) {
      this.waitMs = waitMs;
    }

    @Override
    public void init(ProcessorContext<String, String> context) {
      this.context = context;
      due = context.getStateStore(TIMERS);
      context.schedule(STEP, PunctuationType.WALL_CLOCK_TIME, this::fire);
    }

    @Override
    public void process(Record<String, String> record) {
      if (due.get(record.key()) == null) due.put(record.key(), String.valueOf(record.timestamp() + waitMs));
    }

    private void fire(long now) {
      List<String> fired = new ArrayList<>();
      try (KeyValueIterator<String, String> entries = due.all()) {
        while (entries.hasNext()) {
          KeyValue<String, String> entry = entries.next();
          long at = Long.parseLong(entry.value);
          if (at == 0 || at > now) continue;
          fired.add(entry.key);
          context.forward(new Record<>(entry.key, text(at, now), now));
        }
      }
      for (String key : fired) due.put(key, "0");
    }
  }

  private ChaosTopology() {}
}
