package tenure.flink.client;

import java.io.IOException;

/** No answer came, after every retry: what the request asked for may have taken place. */
public final class UnknownOutcomeException extends IOException {

    private static final long serialVersionUID = 1L;

    UnknownOutcomeException(String message, Throwable cause) {
        super(message, cause);
    }
}
