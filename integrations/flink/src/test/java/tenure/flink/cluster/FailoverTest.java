package tenure.flink.cluster;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;

import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tenure.flink.client.TenureClient;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * A real standalone cluster loses its leader in every way that we know, {@code -Dtenure.losses} times in a row, and the
 * job counts on, exactly once. The same happens to a cluster on ZooKeeper.
 */
@Timeout(1800)
class FailoverTest {

    private static final int LOSSES = Integer.getInteger("tenure.losses", 1);
    /** Lines of kind, loss and seconds, for the bench. */
    private static final Path MEASURED = Path.of(System.getProperty("basedir", "."), "target", "losses.csv");

    @TempDir Path folder;

    private void countsOnAfter(Loss loss, Coordinator.Kind kind, int times) throws Exception {
        try (Coordinator coordinator = kind.start(folder); FlinkCluster cluster = new FlinkCluster(folder, coordinator)) {
            cluster.awaitLeader();
            cluster.submit();
            for (int nth = 0; nth < times; nth += 1) {
                cluster.awaitStandby();
                FlinkProcess leader = cluster.awaitLeader();
                int restored = cluster.lines("restored").size();
                long lostAt = loss.inflict(cluster, leader);
                // Both operators.
                if (!loss.keepsTheTerm())
                    cluster.await("the job was restored", () -> cluster.lines("restored").size() >= restored + 2);
                cluster.awaitTwoCheckpoints();
                note(kind, loss, (System.nanoTime() - lostAt) / 1e9);
                loss.mend(leader);
            }
            long counted = cluster.finish();
            assertThat(cluster.lines("violations")).isEmpty();
            assertThat(counted).isPositive().isEqualTo(Long.parseLong(cluster.last("emitted")));
            // Flink's own stores leave files behind when a JobManager is killed.
            if (kind == Coordinator.Kind.TENURE)
                cluster.await("no file of a checkpoint is left", () -> cluster.checkpointFiles().isEmpty());
        }
    }

    private static void note(Coordinator.Kind kind, Loss loss, double seconds) throws Exception {
        String line = String.format(Locale.ROOT, "%s,%s,%.2f%n", kind, loss, seconds);
        System.out.print(line);
        Files.writeString(MEASURED, line, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    @Test
    void afterTheLeaderWasKilled() throws Exception {
        countsOnAfter(Loss.KILLED, Coordinator.Kind.TENURE, 1);
    }

    @ParameterizedTest
    @Tag("long")
    @EnumSource
    void afterEveryLoss(Loss loss) throws Exception {
        countsOnAfter(loss, Coordinator.Kind.TENURE, LOSSES);
    }

    @ParameterizedTest
    @Tag("long")
    @Tag("zookeeper")
    @EnumSource
    void afterEveryLossOnZooKeeper(Loss loss) throws Exception {
        try {
            countsOnAfter(loss, Coordinator.Kind.ZOOKEEPER, LOSSES);
        } catch (AssertionError notRestored) {
            // No failure of ours: the comparison says that it did not come back, and continues with the next loss.
            System.out.println(notRestored.getMessage());
            note(Coordinator.Kind.ZOOKEEPER, loss, Double.POSITIVE_INFINITY);
        }
    }

    @Test
    @Tag("long")
    void noFileIsLeftOfAFailedOverJobThatWasCancelled() throws Exception {
        try (TenureStack tenure = new TenureStack(folder); FlinkCluster cluster = new FlinkCluster(folder, tenure)) {
            FlinkProcess leader = cluster.awaitLeader();
            cluster.submit();
            cluster.awaitStandby();
            Loss.KILLED.inflict(cluster, leader);
            cluster.await("both operators were restored", () -> cluster.lines("restored").size() >= 2);
            cluster.awaitTwoCheckpoints();
            cluster.cancel();
            TenureClient client = tenure.client();
            String path = "/jobs/" + cluster.jobId().toHexString();
            cluster.await("the clean-up is acknowledged", () -> {
                JsonNode job = client.get(path, FlinkCluster.LEASE);
                return !job.path("state").asText().equals("ACTIVE") && !job.has("cleanUp");
            });
            assertThat(client.get(path, FlinkCluster.LEASE).path("result").asText()).isEqualTo("cancelled");
            cluster.await("no file of a checkpoint is left", () -> cluster.checkpointFiles().isEmpty());
            assertThat(cluster.lines("violations")).isEmpty();
        }
    }
}
