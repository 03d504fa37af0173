package tenure.flink;

import java.time.Duration;

import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.description.Description;

/** The options of this factory, all below {@code high-availability.tenure}. */
public final class TenureOptions {

    public static final ConfigOption<String> URL =
            ConfigOptions.key("high-availability.tenure.url")
                    .stringType()
                    .noDefaultValue()
                    .withDescription(Description.builder()
                            .text("The address of Tenure, for instance https://ID.execute-api.REGION.amazonaws.com.")
                            .build());

    public static final ConfigOption<String> GROUP =
            ConfigOptions.key("high-availability.tenure.group")
                    .stringType()
                    .noDefaultValue()
                    .withDescription(Description.builder()
                            .text("The group of this cluster in Tenure: its leader, jobs and checkpoints. "
                                    + "high-availability.cluster-id unless given; characters that a group's name "
                                    + "may not have become '-'. Two clusters need two groups.")
                            .build());

    public static final ConfigOption<Duration> LEASE =
            ConfigOptions.key("high-availability.tenure.lease")
                    .durationType()
                    .defaultValue(Duration.ofSeconds(15))
                    .withDescription(Description.builder()
                            .text("How long the leader keeps its lease without renewing it, 2 s to 1 h. "
                                    + "A JobManager that dies is replaced after this time; one that stops in order, "
                                    + "at once. The leader renews every third of it.")
                            .build());

    public static final ConfigOption<Duration> POLL_INTERVAL =
            ConfigOptions.key("high-availability.tenure.poll-interval")
                    .durationType()
                    .defaultValue(Duration.ofSeconds(1))
                    .withDescription(Description.builder()
                            .text("Time between two looks at who leads, in every JobManager and TaskManager. "
                                    + "One look costs half a read unit, and as much again for the addresses.")
                            .build());

    public static final ConfigOption<Duration> REQUEST_TIMEOUT =
            ConfigOptions.key("high-availability.tenure.request-timeout")
                    .durationType()
                    .noDefaultValue()
                    .withDescription(Description.builder()
                            .text("How long one request may take before it is sent again. A fifth of the lease, "
                                    + "at most 5 s, unless given.")
                            .build());

    public static final ConfigOption<String> REGION =
            ConfigOptions.key("high-availability.tenure.region")
                    .stringType()
                    .noDefaultValue()
                    .withDescription(Description.builder()
                            .text("The AWS Region that requests are signed for. Taken from an execute-api address; "
                                    + "any other address is signed only when it is given.")
                            .build());

    public static final ConfigOption<String> CONTENDER =
            ConfigOptions.key("high-availability.tenure.contender")
                    .stringType()
                    .noDefaultValue()
                    .withDescription(Description.builder()
                            .text("The name under which this JobManager contends, as operators see it. "
                                    + "Its host name unless given; an instance id distinguishes processes of one name.")
                            .build());

    private TenureOptions() {}
}
