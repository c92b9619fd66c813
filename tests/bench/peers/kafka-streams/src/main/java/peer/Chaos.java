package peer;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.CloseOptions.GroupMembershipOperation;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.ThreadMetadata;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.processor.StateRestoreListener;

/**
 * A worker process of tests/chaos: its topology, shown through the metrics by which chaos knows whether a worker is settled. SIGTERM closes it, by
 * default as {@code KafkaStreams.close()} does, with {@code --leave true} with a leave of the group. Settings come by {@code --set}, and of these
 * {@code http.port} is not Kafka's.
 */
final class Chaos {
  private static final String PORT = "http.port";

  private final KafkaStreams streams;
  private final Admin admin;
  private final String application;
  private final List<String> sources;
  private final AtomicLong restored = new AtomicLong();

  static void run(Options o) throws Exception {
    Properties config = new Properties();
    config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, o.bootstrap());
    config.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
    config.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
    for (String s : o.set) config.put(s.substring(0, s.indexOf('=')), s.substring(s.indexOf('=') + 1));
    int port = Integer.parseInt((String) config.remove(PORT));
    new Chaos(o, config).serve(port, o.get("leave", "false").equals("true"));
  }

  private Chaos(Options o, Properties config) {
    application = config.getProperty(StreamsConfig.APPLICATION_ID_CONFIG);
    sources = List.of(o.get("prefix") + "in", application + "-groups-repartition");
    admin = Kafka.admin(o.bootstrap());
    streams = new KafkaStreams(ChaosTopology.build(o.get("prefix"), o.num("timer-ms", 2000)), config);
    streams.setUncaughtExceptionHandler(e -> {
      e.printStackTrace();
      return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
    });
    streams.setGlobalStateRestoreListener(new StateRestoreListener() {
      @Override
      public void onRestoreStart(TopicPartition p, String store, long from, long to) {}

      @Override
      public void onBatchRestored(TopicPartition p, String store, long to, long count) {
        restored.addAndGet(count);
      }

      @Override
      public void onRestoreEnd(TopicPartition p, String store, long total) {}
    });
  }

  /** Until the process is told to end, or the streams failed. */
  private void serve(int port, boolean leave) throws Exception {
    CountDownLatch end = new CountDownLatch(1);
    streams.setStateListener((now, before) -> {
      if (now == KafkaStreams.State.ERROR) end.countDown();
    });
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      end.countDown();
      // The process ends with the code that the main thread gives it: not before.
      while (true) LockSupport.park();
    }));
    HttpServer http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
    http.createContext("/metrics", this::answer);
    http.start();
    System.out.println("metrics and health at http://127.0.0.1:" + http.getAddress().getPort());
    streams.start();
    end.await();
    boolean failed = streams.state() == KafkaStreams.State.ERROR;
    Duration limit = Duration.ofSeconds(30);
    boolean clean = leave
        ? streams.close(CloseOptions.groupMembershipOperation(GroupMembershipOperation.LEAVE_GROUP).withTimeout(limit))
        : streams.close(limit);
    Runtime.getRuntime().halt(clean && !failed ? 0 : 1);
  }

  private void answer(HttpExchange exchange) throws IOException {
    byte[] text;
    try {
      text = metrics().getBytes(StandardCharsets.UTF_8);
    } catch (Exception e) {
      exchange.sendResponseHeaders(503, -1);
      exchange.close();
      return;
    }
    exchange.sendResponseHeaders(200, text.length);
    exchange.getResponseBody().write(text);
    exchange.close();
  }

  private String metrics() throws Exception {
    // A thread whose tasks are still restored, or that rebalances, is in another state.
    long running = streams.metadataForLocalThreads().stream().filter(t -> t.threadState().equals("RUNNING"))
        .map(ThreadMetadata::activeTasks).mapToLong(Set::size).sum();
    StringBuilder text = new StringBuilder();
    text.append("tasks{state=\"RUNNING\"} ").append(running).append('\n');
    text.append("records_restored_total{} ").append(restored).append('\n');
    for (Map.Entry<TopicPartition, Long> lag : lags().entrySet()) {
      text.append("source_lag_records{topic=\"").append(lag.getKey().topic()).append("\",partition=\"")
          .append(lag.getKey().partition()).append("\"} ").append(lag.getValue()).append('\n');
    }
    return text.toString();
  }

  /** Of the whole group, from what it has committed: transaction markers are passed by a commit too. */
  private Map<TopicPartition, Long> lags() throws Exception {
    Map<TopicPartition, OffsetSpec> latest = new HashMap<>();
    for (TopicDescription topic : admin.describeTopics(sources).allTopicNames().get().values()) {
      topic.partitions().forEach(p -> latest.put(new TopicPartition(topic.name(), p.partition()), OffsetSpec.latest()));
    }
    // Before the ends, so that nobody looks further than he is.
    Map<TopicPartition, OffsetAndMetadata> committed =
        admin.listConsumerGroupOffsets(application).partitionsToOffsetAndMetadata().get();
    Map<TopicPartition, Long> lags = new HashMap<>();
    admin.listOffsets(latest).all().get().forEach((p, end) -> {
      OffsetAndMetadata position = committed.get(p);
      lags.put(p, end.offset() - (position == null ? 0 : position.offset()));
    });
    return lags;
  }
}
