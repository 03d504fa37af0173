package org.apache.flink.runtime.highavailability;

import java.nio.file.Path;
import java.time.Duration;

import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.HighAvailabilityOptions;
import org.apache.flink.runtime.jobgraph.JobGraph;
import org.apache.flink.runtime.jobgraph.JobGraphTestUtils;
import org.apache.flink.runtime.jobmaster.JobResult;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tenure.flink.TestService;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * What AbstractHAJobRunITCase asks of a file system, asked of these services: a job runs to its end in a whole cluster.
 * (The original itself always starts ZooKeeper.)
 */
class TenureHaJobRunTest {

    @TempDir Path folder;

    @Test
    void shouldRunAJobToItsEndAndLeaveItsResult() throws Exception {
        String group = TestService.newGroup();
        Configuration configuration = TestService.configuration(TestService.url(), group, Duration.ofSeconds(15));
        configuration.set(HighAvailabilityOptions.HA_STORAGE_PATH, folder.toUri().toString());
        MiniClusterConfiguration cluster = new MiniClusterConfiguration.Builder()
                .setConfiguration(configuration)
                .setNumTaskManagers(1)
                .setNumSlotsPerTaskManager(1)
                .build();
        try (MiniCluster flink = new MiniCluster(cluster)) {
            flink.start();
            JobGraph graph = JobGraphTestUtils.singleNoOpJobGraph();
            flink.submitJob(graph).get();
            JobResult result = flink.requestJobResult(graph.getJobID()).get();
            assertThat(result.isSuccess()).isTrue();
            var client = TestService.client(TestService.url(), group, Duration.ofSeconds(15));
            String path = "/jobs/" + graph.getJobID().toHexString();
            long until = System.nanoTime() + Duration.ofSeconds(60).toNanos();
            JsonNode job = client.get(path, Duration.ofSeconds(10));
            // Dirty, while the clean-up is held, until Flink has acknowledged it.
            while (job.path("state").asText().equals("ACTIVE") || job.has("cleanUp")) {
                assertThat(System.nanoTime()).as("the clean-up was acknowledged within a minute").isLessThan(until);
                Thread.sleep(50);
                job = client.get(path, Duration.ofSeconds(10));
            }
            assertThat(job.path("result").asText()).isEqualTo("succeeded");
        }
    }
}
