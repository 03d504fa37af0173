package tenure.flink;

import java.time.Duration;
import java.util.UUID;

import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.HighAvailabilityOptions;
import tenure.flink.client.Settings;
import tenure.flink.client.TenureClient;

/** The running service that the tests use: {@code -Dtenure.url}, started by {@code npm test -- flink}. */
public final class TestService {

    private TestService() {}

    public static String url() {
        String url = System.getProperty("tenure.url", System.getenv("TENURE_URL"));
        if (url == null) throw new IllegalStateException("Give the address of a running Tenure: -Dtenure.url=http://…");
        return url;
    }

    public static String newGroup() {
        return "flink-" + UUID.randomUUID();
    }

    public static Configuration configuration(String url, String group, Duration lease) {
        Configuration configuration = new Configuration();
        configuration.set(HighAvailabilityOptions.HA_MODE, TenureHaServicesFactory.class.getName());
        configuration.set(TenureOptions.URL, url);
        configuration.set(TenureOptions.GROUP, group);
        configuration.set(TenureOptions.LEASE, lease);
        configuration.set(TenureOptions.POLL_INTERVAL, Duration.ofMillis(200));
        return configuration;
    }

    public static TenureClient client(String url, String group, Duration lease) {
        return new TenureClient(Settings.from(configuration(url, group, lease)));
    }
}
