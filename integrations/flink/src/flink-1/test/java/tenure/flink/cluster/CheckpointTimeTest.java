package tenure.flink.cluster;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

import org.apache.flink.api.common.JobID;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.HighAvailabilityOptions;
import org.apache.flink.core.execution.RestoreMode;
import org.apache.flink.runtime.blob.VoidBlobStore;
import org.apache.flink.runtime.checkpoint.CheckpointIDCounter;
import org.apache.flink.runtime.checkpoint.CheckpointProperties;
import org.apache.flink.runtime.checkpoint.CheckpointRecoveryFactory;
import org.apache.flink.runtime.checkpoint.CheckpointRetentionPolicy;
import org.apache.flink.runtime.checkpoint.CheckpointsCleaner;
import org.apache.flink.runtime.checkpoint.CompletedCheckpoint;
import org.apache.flink.runtime.checkpoint.CompletedCheckpointStore;
import org.apache.flink.runtime.highavailability.zookeeper.ZooKeeperLeaderElectionHaServices;
import org.apache.flink.runtime.state.SharedStateRegistry;
import org.apache.flink.runtime.state.filesystem.FileStateHandle;
import org.apache.flink.runtime.state.testutils.TestCompletedCheckpointStorageLocation;
import org.apache.flink.runtime.util.ZooKeeperUtils;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tenure.flink.LeadingProcess;
import tenure.flink.TestService;
import tenure.flink.stores.StoreAccess;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * The time that a store adds to a checkpoint: for its id, and for its reference, while the one before is dropped.
 * Tenure and ZooKeeper in turns, with their files on the same disk.
 */
@Timeout(600)
class CheckpointTimeTest {

    private static final int WARM_UP = 100;
    private static final int ROUNDS = Integer.getInteger("tenure.checkpoints", 300);
    private static final Path MEASURED = Path.of(System.getProperty("basedir", "."), "target", "checkpoints.csv");

    @TempDir Path folder;
    private final JobID jobId = new JobID();
    private final ExecutorService executor = Executors.newFixedThreadPool(4);
    private final CheckpointsCleaner cleaner = new CheckpointsCleaner();

    /** One job on one of the two. */
    private record Stored(CheckpointIDCounter ids, CompletedCheckpointStore store, Path folder) {}

    private Stored onTenure() throws Exception {
        LeadingProcess process = LeadingProcess.of(TestService.newGroup());
        StoreAccess.graphs(process).addAndLock(jobId.toHexString(), StoreAccess.graph(jobId, "measured"));
        return new Stored(
                StoreAccess.counter(process, jobId), StoreAccess.store(process, jobId, 1, executor),
                folder.resolve("tenure-files"));
    }

    private Stored onZooKeeper(Coordinator zooKeeper) throws Exception {
        Configuration configuration = new Configuration();
        zooKeeper.configure(configuration);
        configuration.set(HighAvailabilityOptions.HA_STORAGE_PATH, folder.resolve("ha").toUri().toString());
        var curator = ZooKeeperUtils.startCuratorFramework(configuration, Throwable::printStackTrace);
        CheckpointRecoveryFactory factory =
                new ZooKeeperLeaderElectionHaServices(curator, configuration, executor, new VoidBlobStore())
                        .getCheckpointRecoveryFactory();
        CheckpointIDCounter ids = factory.createCheckpointIDCounter(jobId);
        ids.start();
        return new Stored(
                ids,
                factory.createRecoveredCompletedCheckpointStore(
                        jobId, 1, SharedStateRegistry.DEFAULT_FACTORY, executor, RestoreMode.DEFAULT),
                folder.resolve("zookeeper-files"));
    }

    private CompletedCheckpoint checkpoint(long id, Path files) throws IOException {
        Path metadata = files.resolve("chk-" + id).resolve("_metadata");
        Files.createDirectories(metadata.getParent());
        Files.writeString(metadata, "checkpoint " + id);
        FileStateHandle handle =
                new FileStateHandle(new org.apache.flink.core.fs.Path(metadata.toUri()), Files.size(metadata));
        return new CompletedCheckpoint(
                jobId, id, 1, 2, new HashMap<>(), null,
                CheckpointProperties.forCheckpoint(CheckpointRetentionPolicy.NEVER_RETAIN_AFTER_TERMINATION),
                new TestCompletedCheckpointStorageLocation(handle, metadata.getParent().toUri().toString()), null);
    }

    /** A line of kind, milliseconds for the id, and for the completed checkpoint; the files are the same for both. */
    private String one(Coordinator.Kind kind, Stored stored) throws Exception {
        long begunAt = System.nanoTime();
        long id = stored.ids.getAndIncrement();
        double givenMs = (System.nanoTime() - begunAt) / 1e6;
        CompletedCheckpoint checkpoint = checkpoint(id, stored.folder);
        long writtenAt = System.nanoTime();
        stored.store.addCheckpointAndSubsumeOldestOne(checkpoint, cleaner, () -> {});
        double finalisedMs = (System.nanoTime() - writtenAt) / 1e6;
        return String.format(Locale.ROOT, "%s,%.3f,%.3f%n", kind, givenMs, finalisedMs);
    }

    @Test
    @Tag("long")
    @Tag("zookeeper")
    void aCheckpointOfEach() throws Exception {
        try (Coordinator zooKeeper = new ZooKeeperServer(folder)) {
            Map<Coordinator.Kind, Stored> both = new EnumMap<>(Coordinator.Kind.class);
            both.put(Coordinator.Kind.TENURE, onTenure());
            both.put(Coordinator.Kind.ZOOKEEPER, onZooKeeper(zooKeeper));
            StringBuilder lines = new StringBuilder();
            for (int round = -WARM_UP; round < ROUNDS; round += 1) {
                for (var each : both.entrySet()) {
                    String line = one(each.getKey(), each.getValue());
                    if (round >= 0) lines.append(line);
                }
            }
            Files.writeString(MEASURED, lines, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING);
            for (Stored each : both.values()) assertThat(each.store.getNumberOfRetainedCheckpoints()).isEqualTo(1);
        } finally {
            executor.shutdownNow();
        }
    }
}
