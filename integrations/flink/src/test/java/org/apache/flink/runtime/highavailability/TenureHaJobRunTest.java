package org.apache.flink.runtime.highavailability;

import java.nio.file.Path;
import java.time.Duration;

import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.HighAvailabilityOptions;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import tenure.flink.TestService;

import static org.assertj.core.api.Assertions.assertThat;

/** Flink's own test that a job runs to its end in a cluster with these services, and that its result is left. */
class TenureHaJobRunTest extends AbstractHAJobRunITCase {

    private static final Duration LEASE = Duration.ofSeconds(15);
    private static final String GROUP = TestService.newGroup();

    @TempDir private static Path folder;

    @RegisterExtension
    private static final MiniClusterExtension CLUSTER = new MiniClusterExtension(() -> {
        Configuration configuration = TestService.configuration(TestService.url(), GROUP, LEASE);
        configuration.set(HighAvailabilityOptions.HA_STORAGE_PATH, folder.toUri().toString());
        return new MiniClusterResourceConfiguration.Builder()
                .setConfiguration(configuration)
                .setNumberTaskManagers(1)
                .setNumberSlotsPerTaskManager(1)
                .build();
    });

    @Override
    protected void runAfterJobTermination() throws Exception {
        var client = TestService.client(TestService.url(), GROUP, LEASE);
        long until = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        JsonNode jobs = client.get("/jobs", Duration.ofSeconds(10)).path("items");
        // Dirty, while the clean-up is held, until Flink has acknowledged it.
        while (jobs.isEmpty() || jobs.get(0).path("state").asText().equals("ACTIVE") || jobs.get(0).has("cleanUp")) {
            assertThat(System.nanoTime()).as("the clean-up was acknowledged within a minute").isLessThan(until);
            Thread.sleep(50);
            jobs = client.get("/jobs", Duration.ofSeconds(10)).path("items");
        }
        assertThat(jobs.get(0).path("result").asText()).isEqualTo("succeeded");
    }
}
