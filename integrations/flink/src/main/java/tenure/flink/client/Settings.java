package tenure.flink.client;

import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.HighAvailabilityOptions;
import org.apache.flink.configuration.IllegalConfigurationException;
import tenure.flink.TenureOptions;

/** The options, checked once: what does not fit together is refused with both values named. */
public record Settings(
        URI url,
        String group,
        Duration lease,
        Duration pollInterval,
        Duration requestTimeout,
        Optional<String> region,
        Optional<String> contender) {

    /** The service's own allowance for clocks that differ; the holder stops so much earlier. */
    public static final Duration SKEW = Duration.ofMillis(250);

    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,127}");
    private static final Pattern EXECUTE_API = Pattern.compile("\\.execute-api\\.([a-z0-9-]+)\\.amazonaws\\.com");

    public static Settings from(Configuration configuration) {
        String url = configuration.getOptional(TenureOptions.URL).orElseThrow(() -> missing(TenureOptions.URL.key()));
        URI parsed = parse(url);
        Duration lease = configuration.get(TenureOptions.LEASE);
        Duration timeout = configuration.getOptional(TenureOptions.REQUEST_TIMEOUT)
                .orElse(shorter(lease.dividedBy(5), Duration.ofSeconds(5)));
        refuseRelation(lease, timeout);
        return new Settings(
                parsed,
                groupOf(configuration),
                lease,
                configuration.get(TenureOptions.POLL_INTERVAL),
                timeout,
                configuration.getOptional(TenureOptions.REGION).or(() -> regionOf(parsed)),
                configuration.getOptional(TenureOptions.CONTENDER));
    }

    private static String groupOf(Configuration configuration) {
        Optional<String> given = configuration.getOptional(TenureOptions.GROUP);
        String named = given.orElseGet(() -> configuration.get(HighAvailabilityOptions.HA_CLUSTER_ID));
        String group = given.isPresent() ? named : asName(named);
        if (NAME.matcher(group).matches()) return group;
        throw new IllegalConfigurationException(
                TenureOptions.GROUP.key() + " is \"" + group + "\"; it must match " + NAME.pattern());
    }

    /** As near to the text as a name in Tenure may be. */
    public static String asName(String text) {
        String cleaned = text.replaceAll("[^A-Za-z0-9._-]", "-").replaceAll("^[^A-Za-z0-9]+", "");
        return cleaned.isEmpty() ? "default" : cleaned.substring(0, Math.min(128, cleaned.length()));
    }

    private static void refuseRelation(Duration lease, Duration timeout) {
        if (lease.compareTo(Duration.ofSeconds(2)) < 0 || lease.compareTo(Duration.ofHours(1)) > 0)
            throw new IllegalConfigurationException(
                    TenureOptions.LEASE.key() + " is " + lease.toMillis() + " ms; it must be between 2 s and 1 h");
        long needed = lease.toMillis() / 3 * 2 + timeout.toMillis();
        if (needed >= lease.toMillis())
            throw new IllegalConfigurationException(String.format(
                    "%s is %d ms and %s is %d ms: two renewals and one timeout must fit into a lease; "
                            + "use a timeout below %d ms",
                    TenureOptions.LEASE.key(), lease.toMillis(), TenureOptions.REQUEST_TIMEOUT.key(),
                    timeout.toMillis(), lease.toMillis() / 3));
    }

    private static URI parse(String url) {
        try {
            return URI.create(url.replaceAll("/+$", ""));
        } catch (IllegalArgumentException e) {
            throw new IllegalConfigurationException(
                    TenureOptions.URL.key() + " is \"" + url + "\", which is not a URL");
        }
    }

    private static Optional<String> regionOf(URI url) {
        Matcher matcher = EXECUTE_API.matcher(String.valueOf(url.getHost()));
        return matcher.find() ? Optional.of(matcher.group(1)) : Optional.empty();
    }

    private static Duration shorter(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
    }

    private static IllegalConfigurationException missing(String key) {
        return new IllegalConfigurationException(key + " is missing: give the address of Tenure");
    }
}
