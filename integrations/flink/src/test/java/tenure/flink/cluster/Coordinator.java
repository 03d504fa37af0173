package tenure.flink.cluster;

import java.nio.file.Path;

import org.apache.flink.configuration.Configuration;

/** The service by which Flink elects its leaders, as a process of its own that freezes and restarts. */
interface Coordinator extends AutoCloseable {

    enum Kind {
        TENURE,
        ZOOKEEPER;

        Coordinator start(Path folder) throws Exception {
            return this == TENURE ? new TenureStack(folder) : new ZooKeeperServer(folder);
        }
    }

    Kind kind();

    /** Flink's options for it, with the lease or session of all tests. */
    void configure(Configuration configuration);

    FlinkProcess process();

    /** Ends in order and starts again with what it has stored, at the same address. Returns once it answers. */
    void restart() throws Exception;

    @Override
    void close() throws Exception;
}
