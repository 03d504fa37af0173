package tenure.flink.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tenure.flink.FaultyGateway.Fault;

/** A real standalone cluster loses its leader in every way that we know, and the job counts on, exactly once. */
@Timeout(600)
class FailoverTest {

    @TempDir Path folder;

    private interface Loss {
        void happens(FlinkCluster cluster, FlinkProcess leader) throws Exception;
    }

    private void countsOnAfter(String what, Loss loss) throws Exception {
        try (FlinkCluster cluster = new FlinkCluster(folder)) {
            FlinkProcess leader = cluster.awaitLeader();
            cluster.submit();
            long before = cluster.newestCheckpoint();
            long lostAt = System.nanoTime();
            loss.happens(cluster, leader);
            cluster.awaitCheckpointsAfter(Math.max(before, cluster.newestCheckpoint()));
            System.out.printf("%s: checkpoints again after %.1f s%n", what, (System.nanoTime() - lostAt) / 1e9);
            assertCountedOnce(cluster);
        }
    }

    private static void assertCountedOnce(FlinkCluster cluster) throws Exception {
        long counted = cluster.finish();
        assertThat(cluster.lines("violations")).isEmpty();
        assertThat(counted).isPositive().isEqualTo(Long.parseLong(cluster.last("emitted")));
        cluster.await("no file of a checkpoint is left", () -> cluster.checkpointFiles().isEmpty());
    }

    private static void assertRestored(FlinkCluster cluster) throws Exception {
        cluster.await("both operators were restored", () -> cluster.lines("restored").size() >= 2);
    }

    @Test
    void afterTheLeaderWasKilled() throws Exception {
        countsOnAfter("kill -9", (cluster, leader) -> {
            leader.kill();
            cluster.awaitLeaderOtherThan(leader);
            assertRestored(cluster);
        });
    }

    @Test
    @Tag("long")
    void afterTheLeaderWasFrozenAndThawed() throws Exception {
        countsOnAfter("SIGSTOP", (cluster, leader) -> {
            leader.signal("STOP");
            cluster.awaitLeaderOtherThan(leader);
            assertRestored(cluster);
            leader.signal("CONT");
        });
    }

    @Test
    @Tag("long")
    void afterTheLeaderWasTerminated() throws Exception {
        countsOnAfter("SIGTERM", (cluster, leader) -> {
            leader.signal("TERM");
            cluster.awaitLeaderOtherThan(leader);
            assertRestored(cluster);
        });
    }

    @Test
    @Tag("long")
    void afterBothWereKilledAndOneWasStartedAgain() throws Exception {
        countsOnAfter("both killed", (cluster, leader) -> {
            for (FlinkProcess each : cluster.jobManagers) each.kill();
            FlinkProcess again = cluster.startJobManager("jobmanager-3");
            cluster.await("it leads", () -> cluster.leadership().path("leader").path("contenderId").asText().equals(again.name));
            assertRestored(cluster);
        });
    }

    @Test
    @Tag("long")
    void whileTenureDoesNotAnswerForTwoSeconds() throws Exception {
        countsOnAfter("Tenure silent for 2 s", (cluster, leader) -> {
            String session = cluster.leadership().path("leader").path("sessionId").asText();
            silence(cluster, Duration.ofSeconds(2));
            cluster.awaitCheckpointsAfter(cluster.newestCheckpoint());
            assertThat(cluster.leadership().path("leader").path("sessionId").asText()).isEqualTo(session);
        });
    }

    @Test
    @Tag("long")
    void afterTenureDidNotAnswerForTenSeconds() throws Exception {
        countsOnAfter("Tenure silent for 10 s", (cluster, leader) -> {
            silence(cluster, Duration.ofSeconds(10));
            cluster.awaitLeader();
            assertRestored(cluster);
        });
    }

    private static void silence(FlinkCluster cluster, Duration time) throws InterruptedException {
        cluster.gateway.plan(request -> Fault.REQUEST_LOST);
        Thread.sleep(time.toMillis());
        cluster.gateway.plan(request -> null);
    }

    @Test
    @Tag("long")
    void noFileIsLeftOfAFailedOverJobThatWasCancelled() throws Exception {
        try (FlinkCluster cluster = new FlinkCluster(folder)) {
            FlinkProcess leader = cluster.awaitLeader();
            cluster.submit();
            leader.kill();
            cluster.awaitLeaderOtherThan(leader);
            assertRestored(cluster);
            cluster.awaitCheckpointsAfter(cluster.newestCheckpoint());
            cluster.cancel();
            cluster.await("the clean-up is acknowledged",
                    () -> !cluster.job().path("state").asText().equals("ACTIVE") && !cluster.job().has("cleanUp"));
            assertThat(cluster.job().path("result").asText()).isEqualTo("cancelled");
            cluster.await("no file of a checkpoint is left", () -> cluster.checkpointFiles().isEmpty());
            assertThat(cluster.lines("violations")).isEmpty();
        }
    }
}
