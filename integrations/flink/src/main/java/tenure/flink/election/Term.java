package tenure.flink.election;

import java.time.Duration;

import tenure.flink.client.Fence;
import tenure.flink.client.Settings;

/**
 * One granted lease as its holder sees it. The window is counted from before the request was sent, and ends earlier
 * than the service's by the allowance for clocks that differ; both the monotonic and the wall clock must be inside it,
 * so that a process that was suspended does not take itself for the leader when it wakes up.
 */
public final class Term {

    private final Fence fence;
    private volatile long deadlineNanos;
    private volatile long deadlineMillis;
    private volatile boolean ended;

    Term(Fence fence, long sentNanos, long sentMillis, Duration remaining) {
        this.fence = fence;
        extend(sentNanos, sentMillis, remaining);
    }

    void extend(long sentNanos, long sentMillis, Duration lease) {
        Duration window = lease.minus(Settings.SKEW);
        deadlineNanos = sentNanos + window.toNanos();
        deadlineMillis = sentMillis + window.toMillis();
    }

    void end() {
        ended = true;
    }

    public Fence fence() {
        return fence;
    }

    /** Never blocks. */
    public boolean runs() {
        return !ended && remaining().toNanos() > 0;
    }

    /** Negative once the window has passed. */
    Duration remaining() {
        long nanos = Math.min(deadlineNanos - System.nanoTime(),
                (deadlineMillis - System.currentTimeMillis()) * 1_000_000);
        return Duration.ofNanos(nanos);
    }
}
