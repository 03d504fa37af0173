package tenure.flink.election;

import org.apache.flink.runtime.leaderretrieval.LeaderRetrievalDriver;
import org.apache.flink.runtime.leaderretrieval.LeaderRetrievalDriverFactory;
import org.apache.flink.runtime.leaderretrieval.LeaderRetrievalEventHandler;

/** Tells one component of Flink where another one is reached, from the shared poller. */
public final class TenureLeaderRetrievalDriver implements LeaderRetrievalDriver {

    private final String componentId;
    private final AutoCloseable subscription;

    private TenureLeaderRetrievalDriver(
            LeadershipPoller poller, String componentId, LeaderRetrievalEventHandler handler) {
        this.componentId = componentId;
        this.subscription = poller.subscribe(seen -> handler.notifyLeaderAddress(seen.of(componentId)));
    }

    /** Flink's own service forgets what has not changed. */
    public static LeaderRetrievalDriverFactory factory(LeadershipPoller poller, String componentId) {
        return (handler, fatalErrorHandler) -> new TenureLeaderRetrievalDriver(poller, componentId, handler);
    }

    @Override
    public void close() throws Exception {
        subscription.close();
    }

    @Override
    public String toString() {
        return "TenureLeaderRetrievalDriver{" + componentId + "}";
    }
}
