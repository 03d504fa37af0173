package tenure.flink.cluster;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

import org.apache.flink.api.common.JobID;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.HighAvailabilityOptions;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.runtime.execution.Environment;
import org.apache.flink.runtime.jobgraph.JobGraph;
import org.apache.flink.runtime.jobgraph.JobGraphTestUtils;
import org.apache.flink.runtime.jobgraph.JobVertex;
import org.apache.flink.runtime.jobgraph.SavepointRestoreSettings;
import org.apache.flink.runtime.jobgraph.tasks.AbstractInvokable;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tenure.flink.TestService;
import tenure.flink.client.TenureClient;

import static org.assertj.core.api.Assertions.assertThat;

/** Several jobs of one session cluster, each to an end of its own, and a savepoint from which another one begins. */
@Timeout(300)
class JobLifecycleTest {

    private static final Duration PATIENCE = Duration.ofMinutes(2);

    @TempDir Path folder;
    private final String group = TestService.newGroup();
    private final TenureClient client = TestService.client(TestService.url(), group, Duration.ofSeconds(15));

    /** Fails at once, and is not restarted. */
    public static final class Failing extends AbstractInvokable {
        public Failing(Environment environment) {
            super(environment);
        }

        @Override
        public void invoke() {
            throw new IllegalStateException("nothing to count");
        }
    }

    private MiniCluster cluster() {
        Configuration configuration = TestService.configuration(TestService.url(), group, Duration.ofSeconds(15));
        configuration.set(HighAvailabilityOptions.HA_STORAGE_PATH, folder.resolve("ha").toUri().toString());
        configuration.setString("execution.checkpointing.dir", folder.resolve("checkpoints").toUri().toString());
        return new MiniCluster(new MiniClusterConfiguration.Builder()
                .setConfiguration(configuration).setNumTaskManagers(1).setNumSlotsPerTaskManager(4).build());
    }

    private void await(String what, FlinkCluster.Condition condition) throws Exception {
        FlinkCluster.await(PATIENCE, what, condition, () -> "");
    }

    private JobGraph counting(String name) throws Exception {
        return CountingJob.graph(Files.createDirectories(folder.resolve(name)));
    }

    private List<String> lines(String name, String file) throws Exception {
        Path path = folder.resolve(name).resolve(file);
        return Files.exists(path) ? Files.readAllLines(path) : List.of();
    }

    private void awaitResult(JobID jobId, String expected) throws Exception {
        await(jobId + " has a result, and its clean-up is acknowledged", () -> {
            JsonNode job = client.get("/jobs/" + jobId.toHexString(), Duration.ofSeconds(10));
            return !job.path("state").asText().equals("ACTIVE") && !job.has("cleanUp");
        });
        JsonNode job = client.get("/jobs/" + jobId.toHexString(), Duration.ofSeconds(10));
        assertThat(job.path("result").asText()).isEqualTo(expected);
    }

    private List<Path> filesBelow(Path root) throws Exception {
        if (!Files.exists(root)) return List.of();
        try (Stream<Path> files = Files.walk(root)) {
            return files.filter(Files::isRegularFile).toList();
        }
    }

    @Test
    void jobsRunSideBySideAndEndEachInItsOwnWay() throws Exception {
        JobGraph cancelled = counting("cancelled");
        JobGraph finished = counting("finished");
        JobGraph failed = JobGraphTestUtils.streamingJobGraph(failing());
        try (MiniCluster flink = cluster()) {
            flink.start();
            for (JobGraph each : List.of(cancelled, finished, failed)) flink.submitJob(each).get();
            awaitResult(failed.getJobID(), "failed");
            assertThat(client.get("/jobs/" + failed.getJobID().toHexString(), Duration.ofSeconds(10))
                    .path("detail").asText()).contains("nothing to count");
            for (String name : List.of("cancelled", "finished"))
                await("checkpoints of " + name, () -> lines(name, "completed").size() >= 2);

            String savepoint = flink.triggerSavepoint(
                    cancelled.getJobID(), folder.resolve("savepoints").toUri().toString(), false,
                    SavepointFormatType.CANONICAL).get();
            int before = lines("cancelled", "completed").size();
            await("checkpoints after the savepoint", () -> lines("cancelled", "completed").size() >= before + 2);
            flink.cancelJob(cancelled.getJobID()).get();
            awaitResult(cancelled.getJobID(), "cancelled");
            assertThat(filesBelow(folder.resolve("savepoints"))).as("a savepoint is its owner's").isNotEmpty();

            JobGraph restored = counting("restored");
            restored.setSavepointRestoreSettings(SavepointRestoreSettings.forPath(savepoint));
            flink.submitJob(restored).get();
            await("checkpoints after a restore", () -> lines("restored", "completed").size() >= 2);
            assertThat(lines("restored", "restored")).hasSize(2);
            for (String name : List.of("finished", "restored")) Files.createFile(folder.resolve(name).resolve("stop"));
            awaitResult(finished.getJobID(), "succeeded");
            awaitResult(restored.getJobID(), "succeeded");
            for (String name : List.of("finished", "restored")) {
                assertThat(lines(name, "violations")).isEmpty();
                assertThat(lines(name, "result")).isEqualTo(lines(name, "emitted"));
            }
            await("no file of a checkpoint is left", () -> filesBelow(folder.resolve("checkpoints")).isEmpty());
        }
    }

    private static JobVertex failing() {
        JobVertex vertex = new JobVertex("failing");
        vertex.setInvokableClass(Failing.class);
        vertex.setParallelism(1);
        return vertex;
    }
}
