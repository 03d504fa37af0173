package tenure.flink.election;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

import org.apache.flink.runtime.leaderelection.LeaderInformation;
import org.apache.flink.runtime.leaderretrieval.LeaderRetrievalDriver;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tenure.flink.FaultyGateway;
import tenure.flink.FaultyGateway.Fault;
import tenure.flink.TestService;
import tenure.flink.client.Fence;
import tenure.flink.client.TenureClient;

class TenureLeaderElectionDriverTest {

    private static final Duration LEASE = Duration.ofSeconds(4);

    private final List<AutoCloseable> opened = new ArrayList<>();
    private String group;
    private TenureClient observer;

    @BeforeEach
    void newGroup() {
        group = TestService.newGroup();
        observer = TestService.client(TestService.url(), group, LEASE);
    }

    @AfterEach
    void close() throws Exception {
        for (int at = opened.size() - 1; at >= 0; at -= 1) opened.get(at).close();
    }

    private final class Process {
        final RecordingListener listener = new RecordingListener();
        final CurrentTerm current = new CurrentTerm();
        final LeadershipPoller poller;
        final TenureLeaderElectionDriver driver;

        Process(String url, Duration lease) {
            TenureClient client = TestService.client(url, group, lease);
            poller = new LeadershipPoller(client);
            driver = new TenureLeaderElectionDriver(client, poller, current, listener);
            opened.add(poller);
            opened.add(driver);
        }
    }

    private Process process() {
        return new Process(TestService.url(), LEASE);
    }

    private JsonNode leadership() throws Exception {
        return observer.get("/leadership?consistent=true", Duration.ofSeconds(10));
    }

    private interface Condition {
        boolean holds() throws Exception;
    }

    private static void await(Condition condition) throws Exception {
        long until = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (!condition.holds()) {
            assertThat(System.nanoTime()).as("waited for a minute").isLessThan(until);
            Thread.sleep(20);
        }
    }

    @Test
    void shouldShowTheAddressesOfEachComponentOnceTheDispatcherHasPublished() throws Exception {
        Process leader = process();
        UUID session = leader.listener.granted();
        assertThat(leader.driver.hasLeadership()).isTrue();
        leader.driver.publishLeaderInformation(
                Components.RESOURCE_MANAGER, LeaderInformation.known(session, "akka://rm"));
        await(() -> leadership().path("pending").asBoolean());
        BlockingQueue<LeaderInformation> seen = new LinkedBlockingQueue<>();
        LeaderRetrievalDriver retrieval = TenureLeaderRetrievalDriver
                .factory(leader.poller, Components.RESOURCE_MANAGER)
                .createLeaderRetrievalDriver(seen::add, error -> {});
        opened.add(retrieval);
        assertThat(seen.poll(30, TimeUnit.SECONDS)).isEqualTo(LeaderInformation.empty());
        leader.driver.publishLeaderInformation(Components.DISPATCHER, LeaderInformation.known(session, "akka://d"));
        await(() -> LeaderInformation.known(session, "akka://rm").equals(seen.poll(30, TimeUnit.SECONDS)));
        JsonNode view = leadership();
        assertThat(view.path("leader").path("sessionId").asText()).isEqualTo(session.toString());
        assertThat(view.path("addresses").path("dispatcher").asText()).isEqualTo("akka://d");
        leader.driver.deleteLeaderInformation(Components.RESOURCE_MANAGER);
        await(() -> !leadership().path("addresses").has(Components.RESOURCE_MANAGER));
        assertThat(leader.listener.errors).isEmpty();
    }

    @Test
    void shouldFollowALeaderThatClosesWithoutWaitingForItsLease() throws Exception {
        Process first = new Process(TestService.url(), Duration.ofMinutes(10));
        UUID session = first.listener.granted();
        Process second = new Process(TestService.url(), Duration.ofMinutes(10));
        assertThat(second.listener.isQuietFor(Duration.ofSeconds(1))).isTrue();
        assertThat(second.driver.hasLeadership()).isFalse();
        first.driver.close();
        assertThat(first.driver.hasLeadership()).isFalse();
        assertThat(second.listener.granted()).isNotEqualTo(session);
        assertThat(first.listener.events).isEmpty();
    }

    @Test
    void shouldRevokeOnceWhenAnOperatorEndsTheTerm() throws Exception {
        Process leader = process();
        UUID session = leader.listener.granted();
        Fence fence = leader.current.fence();
        observer.call("POST", "/leadership/revoke",
                TenureClient.body().put("fencingVersion", fence.fencingVersion()).put("reason", "test").put("force", true),
                null, Duration.ofSeconds(10));
        assertThat(leader.listener.next()).isEqualTo(RecordingListener.REVOKED);
        assertThat(leader.driver.hasLeadership()).isFalse();
        assertThat(leader.current.fenceOrNull()).isNull();
        assertThat(leader.listener.granted()).isNotEqualTo(session);
        assertThat(leader.listener.errors).isEmpty();
    }

    @Test
    void shouldStopBeforeItsLeaseEndsWhenTenureDoesNotAnswer() throws Exception {
        try (FaultyGateway gateway = new FaultyGateway(TestService.url())) {
            Process leader = new Process(gateway.url(), LEASE);
            leader.listener.granted();
            Fence fence = leader.current.fence();
            gateway.plan(request -> Fault.REQUEST_LOST);
            assertThat(leader.listener.next()).isEqualTo(RecordingListener.REVOKED);
            // By its own clock the leader stops first: the service still holds the lease for it, or has just let go.
            assertThat(leadership().path("fencingVersion").asLong()).isEqualTo(fence.fencingVersion());
            assertThat(leader.driver.hasLeadership()).isFalse();
            gateway.plan(request -> null);
            leader.listener.granted();
            assertThat(leader.listener.errors).isEmpty();
        }
    }

    @Test
    void shouldKeepItsTermOverLostAnswers() throws Exception {
        try (FaultyGateway gateway = new FaultyGateway(TestService.url())) {
            int[] writes = {0};
            gateway.plan(request -> request.startsWith("GET") || writes[0]++ % 2 == 1 ? null : Fault.ANSWER_LOST);
            Process leader = new Process(gateway.url(), Duration.ofSeconds(6));
            UUID session = leader.listener.granted();
            leader.driver.publishLeaderInformation(Components.DISPATCHER, LeaderInformation.known(session, "akka://d"));
            await(() -> leadership().path("leader").isObject());
            assertThat(leader.listener.isQuietFor(Duration.ofSeconds(8))).isTrue();
            assertThat(leadership().path("fencingVersion").asLong()).isEqualTo(1);
            assertThat(leader.driver.hasLeadership()).isTrue();
        }
    }

    @Test
    void shouldNotPublishTheAddressOfAnEarlierSession() throws Exception {
        Process leader = process();
        UUID session = leader.listener.granted();
        leader.driver.publishLeaderInformation(
                Components.DISPATCHER, LeaderInformation.known(UUID.randomUUID(), "akka://old"));
        leader.driver.publishLeaderInformation(Components.REST_SERVER, LeaderInformation.known(session, "http://r"));
        leader.driver.publishLeaderInformation(Components.DISPATCHER, LeaderInformation.known(session, "akka://new"));
        await(() -> leadership().path("leader").isObject());
        assertThat(leadership().path("leader").path("address").asText()).isEqualTo("akka://new");
    }

    @Test
    void shouldEndTheProcessOnlyWhenItsOptionsAreWrong() throws Exception {
        try (FaultyGateway gateway = new FaultyGateway(TestService.url() + "/not-tenure")) {
            Process wrong = new Process(gateway.url(), LEASE);
            await(() -> !wrong.listener.errors.isEmpty());
            assertThat(wrong.listener.errors.get(0)).hasMessageContaining("cannot be led");
        }
    }
}
