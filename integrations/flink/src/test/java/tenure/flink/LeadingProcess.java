package tenure.flink;

import java.time.Duration;
import java.util.UUID;

import tenure.flink.client.Fence;
import tenure.flink.client.TenureClient;
import tenure.flink.election.CurrentTerm;
import tenure.flink.election.GrantedTerm;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;

/** A process that has been granted a term of a group and does not renew it: for tests of the stores. */
public final class LeadingProcess {

    private static final Duration LEASE = Duration.ofMinutes(10);

    public final TenureClient client;
    public final CurrentTerm current = new CurrentTerm();
    public final Fence fence;

    private LeadingProcess(TenureClient client, Fence fence) {
        this.client = client;
        this.fence = fence;
        GrantedTerm.begin(current, fence);
    }

    public static LeadingProcess of(String group) throws Exception {
        return of(TestService.url(), group);
    }

    /** Ends whatever term the group has, and leads the next one. */
    public static LeadingProcess of(String url, String group) throws Exception {
        TenureClient direct = TestService.client(TestService.url(), group, LEASE);
        Duration budget = Duration.ofSeconds(30);
        long running = direct.get("/leadership?consistent=true", budget).path("fencingVersion").asLong();
        if (running > 0)
            direct.call("POST", "/leadership/revoke",
                    TenureClient.body().put("fencingVersion", running).put("reason", "test").put("force", true),
                    null, budget);
        JsonNode granted = direct.call("POST", "/leadership/contend",
                TenureClient.body().put("contenderId", "test").put("instanceId", UUID.randomUUID().toString())
                        .put("leaseMs", LEASE.toMillis()),
                null, budget);
        Fence fence = new Fence(
                granted.path("fencingVersion").asLong(), UUID.fromString(granted.path("sessionId").asText()));
        return new LeadingProcess(TestService.client(url, group, Duration.ofSeconds(15)), fence);
    }
}
