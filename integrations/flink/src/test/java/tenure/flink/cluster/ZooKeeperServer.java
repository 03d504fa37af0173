package tenure.flink.cluster;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.HighAvailabilityOptions;
import org.apache.flink.runtime.zookeeper.FlinkZooKeeperQuorumPeer;

/** One ZooKeeper, the one that Flink brings along; sessions last as long as Tenure's lease, all else is as usual. */
final class ZooKeeperServer implements Coordinator {

    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private final Path folder;
    private final int port = FlinkCluster.freePort();
    private FlinkProcess process;
    private int starts;

    ZooKeeperServer(Path folder) throws Exception {
        this.folder = folder;
        Files.writeString(folder.resolve("zoo.cfg"), String.join("\n",
                "tickTime=1000", "dataDir=" + folder.resolve("zookeeper"), "clientPort=" + port,
                "clientPortAddress=127.0.0.1", "admin.enableServer=false"));
        start();
    }

    private void start() throws Exception {
        starts += 1;
        process = FlinkProcess.java("zookeeper-" + starts, folder, FlinkZooKeeperQuorumPeer.class.getName(), "200m",
                "--zkConfigFile", folder.resolve("zoo.cfg").toString(), "--peerId", "1");
        FlinkCluster.await(PATIENCE, "ZooKeeper answers", this::isOpen, process::tail);
    }

    private boolean isOpen() throws IOException {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress("127.0.0.1", port), 1_000);
            return true;
        }
    }

    @Override
    public Kind kind() {
        return Kind.ZOOKEEPER;
    }

    @Override
    public void configure(Configuration configuration) {
        configuration.set(HighAvailabilityOptions.HA_MODE, "zookeeper");
        configuration.set(HighAvailabilityOptions.HA_ZOOKEEPER_QUORUM, "127.0.0.1:" + port);
        configuration.set(HighAvailabilityOptions.ZOOKEEPER_SESSION_TIMEOUT, FlinkCluster.LEASE);
    }

    @Override
    public FlinkProcess process() {
        return process;
    }

    @Override
    public void restart() throws Exception {
        process.end();
        start();
    }

    @Override
    public void close() throws Exception {
        process.signal("CONT");
        process.end();
    }
}
