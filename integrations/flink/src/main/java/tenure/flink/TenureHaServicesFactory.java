package tenure.flink;

import java.util.concurrent.Executor;

import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.blob.BlobUtils;
import org.apache.flink.runtime.highavailability.ClientHighAvailabilityServices;
import org.apache.flink.runtime.highavailability.HighAvailabilityServices;
import org.apache.flink.runtime.highavailability.HighAvailabilityServicesFactory;
import tenure.flink.client.Settings;
import tenure.flink.client.TenureClient;
import tenure.flink.election.CurrentTerm;

/** Set {@code high-availability.type} to the name of this class; the jar belongs into Flink's {@code lib/}. */
public final class TenureHaServicesFactory implements HighAvailabilityServicesFactory {

    @Override
    public HighAvailabilityServices createHAServices(Configuration configuration, Executor executor) throws Exception {
        TenureClient client = new TenureClient(Settings.from(configuration));
        return new TenureHaServices(
                configuration, client, new CurrentTerm(), executor, BlobUtils.createBlobStoreFromConfig(configuration));
    }

    @Override
    public ClientHighAvailabilityServices createClientHAServices(Configuration configuration) {
        return new TenureClientHaServices(new TenureClient(Settings.from(configuration)));
    }
}
