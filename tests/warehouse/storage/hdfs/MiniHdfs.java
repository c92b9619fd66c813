import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.hdfs.MiniDFSCluster;

/** One name node and one data node; argument: a folder for their data, where the file "address" then says host:port of WebHDFS. */
public class MiniHdfs {
  public static void main(String[] arguments) throws Exception {
    Path folder = Path.of(arguments[0]);
    Configuration configuration = new Configuration();
    configuration.set("dfs.datanode.hostname", "127.0.0.1");
    configuration.set("dfs.permissions.enabled", "false");
    // A data node that asks too early whether a block is known waits so long; 400 ms by default.
    configuration.set("dfs.client.block.write.locateFollowingBlock.initial.delay.ms", "20");
    MiniDFSCluster cluster = new MiniDFSCluster.Builder(configuration, new File(arguments[0], "data")).numDataNodes(1).build();
    cluster.waitActive();
    Path part = folder.resolve("address.part");
    Files.writeString(part, "127.0.0.1:" + cluster.getNameNode().getHttpAddress().getPort());
    Files.move(part, folder.resolve("address"), StandardCopyOption.ATOMIC_MOVE);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> cluster.shutdown()));
    Thread.currentThread().join();
  }
}
