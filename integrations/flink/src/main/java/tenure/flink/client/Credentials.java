package tenure.flink.client;

import java.io.IOException;
import java.util.Optional;

/** The credentials that requests are signed with. */
public record Credentials(String accessKeyId, String secretAccessKey, Optional<String> sessionToken) {

    /** Gives credentials that are valid now. */
    @FunctionalInterface
    public interface Provider {
        Credentials get() throws IOException, InterruptedException;
    }

    @Override
    public String toString() {
        return "Credentials[" + accessKeyId + "]";
    }
}
