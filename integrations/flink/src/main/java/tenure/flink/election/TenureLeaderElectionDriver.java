package tenure.flink.election;

import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.UUID;

import javax.annotation.Nullable;

import org.apache.flink.runtime.leaderelection.LeaderElectionDriver;
import org.apache.flink.runtime.leaderelection.LeaderElectionDriverFactory;
import org.apache.flink.runtime.leaderelection.LeaderInformation;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tenure.flink.client.Fence;
import tenure.flink.client.ProblemException;
import tenure.flink.client.Settings;
import tenure.flink.client.TenureClient;

/**
 * One lease for the whole process: contend, renew, and tell Flink. The session id of the term is Flink's leader
 * session id. Flink calls this driver while it holds a lock that its callbacks need as well: nothing here waits for
 * the driver's own thread, except {@code close}, which is called without the lock.
 *
 * <pre>
 *   held by another ──▶ granted ──▶ onGrantLeadership ──▶ renew … ──▶ lost ──▶ onRevokeLeadership ──▶ contend again
 * </pre>
 */
public final class TenureLeaderElectionDriver implements LeaderElectionDriver {

    private static final Logger LOG = LoggerFactory.getLogger(TenureLeaderElectionDriver.class);
    private static final Duration CLOSING = Duration.ofSeconds(5);

    private final TenureClient client;
    private final Settings settings;
    private final LeadershipPoller poller;
    private final CurrentTerm current;
    private final Listener listener;
    private final String contenderId;
    private final String instanceId = UUID.randomUUID().toString();
    private final AutoCloseable subscription;
    private final Thread thread;
    private final Object closing = new Object();
    private boolean contending;
    private volatile boolean closed;
    private volatile boolean reached;
    @Nullable private volatile Term term;
    @Nullable private volatile AddressPublisher publisher;

    TenureLeaderElectionDriver(
            TenureClient client, LeadershipPoller poller, CurrentTerm current, Listener listener) {
        this.client = client;
        this.settings = client.settings();
        this.poller = poller;
        this.current = current;
        this.listener = listener;
        this.contenderId = settings.contender().orElseGet(TenureLeaderElectionDriver::hostName);
        this.subscription = poller.subscribe(seen -> {});
        this.thread = new Thread(this::run, "tenure-election");
        thread.setDaemon(true);
        thread.start();
    }

    public static LeaderElectionDriverFactory factory(
            TenureClient client, LeadershipPoller poller, CurrentTerm current) {
        return listener -> new TenureLeaderElectionDriver(client, poller, current, listener);
    }

    private static String hostName() {
        try {
            return Settings.asName(InetAddress.getLocalHost().getHostName());
        } catch (UnknownHostException e) {
            return "flink";
        }
    }

    @Override
    public boolean hasLeadership() {
        Term held = term;
        return held != null && held.runs();
    }

    @Override
    public void publishLeaderInformation(String componentId, LeaderInformation information) {
        AddressPublisher writer = publisherOf(information);
        if (writer != null) writer.set(componentId, information.getLeaderAddress());
    }

    @Override
    public void deleteLeaderInformation(String componentId) {
        AddressPublisher writer = publisher;
        if (writer != null) writer.set(componentId, null);
    }

    /** An address of an earlier session is not published in this one. */
    @Nullable
    private AddressPublisher publisherOf(LeaderInformation information) {
        Term held = term;
        UUID session = information.getLeaderSessionID();
        boolean isOld = held == null || (session != null && !session.equals(held.fence().sessionId()));
        return isOld ? null : publisher;
    }

    private void run() {
        try {
            while (!closed) {
                Term granted = contendUnlessClosed();
                if (granted == null) continue;
                if (closed) resign(granted, null);
                else lead(granted);
            }
        } catch (InterruptedException e) {
            LOG.debug("The election ends.");
        } catch (Throwable e) {
            LOG.error("The election failed.", e);
            if (!closed) listener.onError(e);
        }
    }

    /** A request that is under way when the driver closes is waited for: it may be granted. */
    @Nullable
    private Term contendUnlessClosed() throws InterruptedException, IOException {
        long waitMs;
        synchronized (closing) {
            if (closed) return null;
            contending = true;
        }
        try {
            Contended outcome = contend();
            if (outcome.granted() != null) return outcome.granted();
            waitMs = outcome.retryAfterMs();
        } finally {
            synchronized (closing) {
                contending = false;
            }
        }
        if (!closed) awaitLease(waitMs);
        return null;
    }

    private record Contended(@Nullable Term granted, long retryAfterMs) {}

    /** Without a term when somebody else holds the lease, or Tenure was not reached. */
    private Contended contend() throws InterruptedException, IOException {
        long sentNanos = System.nanoTime();
        long sentMillis = System.currentTimeMillis();
        try {
            JsonNode answer = client.call("POST", "/leadership/contend",
                    TenureClient.body()
                            .put("contenderId", contenderId)
                            .put("instanceId", instanceId)
                            .put("leaseMs", settings.lease().toMillis()),
                    null, settings.requestTimeout().multipliedBy(2));
            reached = true;
            Fence fence = new Fence(
                    answer.path("fencingVersion").asLong(), UUID.fromString(answer.path("sessionId").asText()));
            Duration remaining = Duration.ofMillis(answer.path("remainingMs").asLong());
            return new Contended(new Term(fence, sentNanos, sentMillis, remaining), 0);
        } catch (ProblemException e) {
            refuseMisconfiguration(e);
            reached = true;
            return new Contended(null, Math.max(e.number("retryAfterMs"), 100));
        } catch (IOException e) {
            LOG.warn("Tenure does not answer; contending again: {}", e.toString());
            return new Contended(null, 200);
        }
    }

    /** Before the first success, a refusal means that the options are wrong; later, that somebody works on them. */
    private void refuseMisconfiguration(ProblemException e) throws IOException {
        if (e.is("leadership_held") || e.is("leadership_lost") || e.is("group_restoring")) return;
        if (!reached) throw new IOException("Group " + settings.group() + " cannot be led: " + e.getMessage(), e);
        LOG.error("The lease was refused; contending again: {}", e.getMessage());
    }

    /** Sleeps until the lease would run out, and looks meanwhile whether it is free: a look costs half a read. */
    private void awaitLease(long retryAfterMs) throws InterruptedException {
        long until = System.nanoTime() + Duration.ofMillis(retryAfterMs).toNanos();
        while (!closed) {
            Duration left = Duration.ofNanos(until - System.nanoTime());
            if (left.isNegative() || left.isZero()) return;
            Observation seen = poller.next(left);
            if (seen == null) continue;
            boolean barred = instanceId.equals(seen.barredInstance());
            if (seen.availableInMs() == 0 && !barred) return;
            // A renewal has moved the end of the lease.
            if (!barred) until = Math.max(until, seen.atNanos() + Duration.ofMillis(seen.availableInMs()).toNanos());
        }
    }

    private void lead(Term granted) {
        LOG.info("Granted the lease of group {} with fencing version {}.",
                settings.group(), granted.fence().fencingVersion());
        current.begin(granted);
        publisher = new AddressPublisher(client, poller, granted);
        term = granted;
        listener.onGrantLeadership(granted.fence().sessionId());
        JsonNode handOver = null;
        try {
            handOver = renewUntilLost(granted);
        } catch (InterruptedException e) {
            LOG.debug("The term is given back.");
        }
        end(granted);
        if (!closed) listener.onRevokeLeadership();
        if (closed || handOver != null) resign(granted, handOver == null ? null : handOver.path("successor").asText(null));
    }

    private void end(Term ended) {
        term = null;
        current.end(ended);
        AddressPublisher writer = publisher;
        publisher = null;
        if (writer != null) writer.close();
    }

    /** Returns an operator's request for a hand-over, or null when the term was lost. */
    @Nullable
    private JsonNode renewUntilLost(Term held) throws InterruptedException {
        long every = settings.lease().toMillis() / 3;
        Duration pause = Duration.ofMillis(every);
        while (true) {
            Duration left = held.remaining();
            if (left.isNegative()) {
                LOG.warn("The lease was not renewed in time; term {} is over.", held.fence().fencingVersion());
                return null;
            }
            Thread.sleep(Math.max(1, Math.min(pause.toMillis(), left.toMillis() + 1)));
            long sentNanos = System.nanoTime();
            long sentMillis = System.currentTimeMillis();
            try {
                JsonNode answer = client.call("POST", "/leadership/renew",
                        TenureClient.body().put("leaseMs", settings.lease().toMillis()),
                        held.fence(), settings.requestTimeout());
                held.extend(sentNanos, sentMillis, settings.lease());
                pause = Duration.ofMillis(every);
                if (answer.has("handOver")) return answer.path("handOver");
            } catch (ProblemException e) {
                LOG.warn("Term {} is over: {}", held.fence().fencingVersion(), e.getMessage());
                return null;
            } catch (IOException e) {
                LOG.warn("A renewal got no answer; {} ms are left: {}", held.remaining().toMillis(), e.toString());
                pause = Duration.ofMillis(100);
            }
        }
    }

    private void resign(Term ended, @Nullable String successor) {
        try {
            client.call("POST", "/leadership/resign",
                    successor == null ? TenureClient.body() : TenureClient.body().put("successor", successor),
                    ended.fence(), settings.requestTimeout());
        } catch (IOException e) {
            LOG.info("The lease is left to run out: {}", e.toString());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Gives the lease back, so that another JobManager need not wait for its end. */
    @Override
    public void close() throws Exception {
        synchronized (closing) {
            if (closed) return;
            closed = true;
            if (!contending) thread.interrupt();
        }
        if (Thread.currentThread() != thread) thread.join(CLOSING.toMillis());
        subscription.close();
    }

    @Override
    public String toString() {
        return "TenureLeaderElectionDriver{" + settings.group() + " as " + contenderId + "}";
    }
}
