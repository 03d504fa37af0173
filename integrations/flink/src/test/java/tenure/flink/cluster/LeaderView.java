package tenure.flink.cluster;

import java.util.UUID;

import javax.annotation.Nullable;

import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.highavailability.ClientHighAvailabilityServices;
import org.apache.flink.runtime.highavailability.HighAvailabilityServicesUtils;
import org.apache.flink.runtime.leaderretrieval.LeaderRetrievalListener;
import org.apache.flink.runtime.leaderretrieval.LeaderRetrievalService;

/** The leader as a client of Flink sees it, by whatever service it is elected. */
final class LeaderView implements LeaderRetrievalListener, AutoCloseable {

    private final ClientHighAvailabilityServices services;
    private final LeaderRetrievalService retriever;
    @Nullable private volatile String address;
    @Nullable private volatile UUID session;

    LeaderView(Configuration configuration) throws Exception {
        services = HighAvailabilityServicesUtils.createClientHAService(configuration, Throwable::printStackTrace);
        retriever = services.getClusterRestEndpointLeaderRetriever();
        retriever.start(this);
    }

    /** Like {@code http://127.0.0.1:8081}, or null while nobody is known to lead. */
    @Nullable
    String address() {
        return address;
    }

    @Nullable
    UUID session() {
        return session;
    }

    @Override
    public void notifyLeaderAddress(@Nullable String leaderAddress, @Nullable UUID leaderSession) {
        address = leaderAddress;
        session = leaderSession;
    }

    @Override
    public void handleError(Exception exception) {
        exception.printStackTrace();
    }

    @Override
    public void close() throws Exception {
        retriever.stop();
        services.close();
    }
}
