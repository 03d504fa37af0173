package tenure.flink.election;

import org.apache.flink.api.common.JobID;

/** The names under which Flink's components publish their addresses. */
public final class Components {

    public static final String DISPATCHER = "dispatcher";
    public static final String RESOURCE_MANAGER = "resource_manager";
    public static final String REST_SERVER = "rest_server";

    private Components() {}

    public static String jobManager(JobID jobId) {
        return "job-" + jobId;
    }
}
