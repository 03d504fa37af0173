package tenure.flink.stores;

import java.util.regex.Pattern;

import org.apache.flink.api.common.ApplicationID;
import org.apache.flink.runtime.jobmanager.ApplicationStoreUtil;

/** The names of Flink's applications among the jobs of a group. */
public enum Applications implements ApplicationStoreUtil {
    PREFIXED;

    private static final String PREFIX = "application-";
    public static final Pattern NAMES = Pattern.compile(PREFIX + "[0-9a-f]{32}");

    @Override
    public String applicationIdToName(ApplicationID applicationId) {
        return PREFIX + applicationId.toHexString();
    }

    @Override
    public ApplicationID nameToApplicationId(String name) {
        return ApplicationID.fromHexString(name.substring(PREFIX.length()));
    }
}
