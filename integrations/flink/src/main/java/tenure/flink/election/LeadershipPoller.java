package tenure.flink.election;

import java.io.IOException;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

import javax.annotation.Nullable;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tenure.flink.client.TenureClient;

/**
 * Looks at who leads, once an interval for the whole process, while anybody wants to know. A look that fails changes
 * nothing: everybody keeps what was seen last, since a leader that is gone answers nobody and fences protect the rest.
 */
public final class LeadershipPoller implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(LeadershipPoller.class);

    private final TenureClient client;
    private final Duration interval;
    private final Set<Consumer<Observation>> subscribers = ConcurrentHashMap.newKeySet();
    private final Object lock = new Object();
    @Nullable private Thread thread;
    @Nullable private Observation latest;
    private boolean nudged;
    private boolean closed;

    public LeadershipPoller(TenureClient client) {
        this.client = client;
        this.interval = client.settings().pollInterval();
    }

    /** The subscriber is called from the poller's thread, also when nothing has changed. */
    AutoCloseable subscribe(Consumer<Observation> subscriber) {
        subscribers.add(subscriber);
        synchronized (lock) {
            if (thread == null && !closed) {
                thread = new Thread(this::run, "tenure-leadership");
                thread.setDaemon(true);
                thread.start();
            }
            nudge();
        }
        return () -> subscribers.remove(subscriber);
    }

    /** Looks again at once. */
    void nudge() {
        synchronized (lock) {
            nudged = true;
            lock.notifyAll();
        }
    }

    /** The next observation that is made after this call, or null when the time is over. */
    @Nullable
    Observation next(Duration timeout) throws InterruptedException {
        long until = System.nanoTime() + timeout.toNanos();
        synchronized (lock) {
            Observation before = latest;
            while (latest == before && !closed) {
                long leftMs = (until - System.nanoTime()) / 1_000_000;
                if (leftMs <= 0) return null;
                lock.wait(leftMs);
            }
            return latest == before ? null : latest;
        }
    }

    private void run() {
        boolean reached = true;
        while (!isClosed()) {
            try {
                look();
                if (!reached) LOG.info("Tenure answers again.");
                reached = true;
                pause();
            } catch (InterruptedException e) {
                return;
            } catch (IOException e) {
                if (reached) LOG.warn("Nobody knows at present who leads; what was seen last stays: {}", e.toString());
                reached = false;
            } catch (RuntimeException e) {
                LOG.error("A look at who leads failed.", e);
            }
        }
    }

    private void look() throws IOException, InterruptedException {
        Observation seen = Observation.from(client.get("/leadership", client.settings().requestTimeout().multipliedBy(2)));
        synchronized (lock) {
            latest = seen;
            lock.notifyAll();
        }
        for (Consumer<Observation> subscriber : subscribers) subscriber.accept(seen);
    }

    private void pause() throws InterruptedException {
        long until = System.nanoTime() + interval.toNanos();
        synchronized (lock) {
            while (!nudged && !closed) {
                long leftMs = (until - System.nanoTime()) / 1_000_000;
                if (leftMs <= 0) break;
                lock.wait(leftMs);
            }
            nudged = false;
        }
    }

    private boolean isClosed() {
        synchronized (lock) {
            return closed;
        }
    }

    @Override
    public void close() {
        synchronized (lock) {
            closed = true;
            lock.notifyAll();
            if (thread != null) thread.interrupt();
        }
    }
}
