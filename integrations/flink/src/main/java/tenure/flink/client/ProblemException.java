package tenure.flink.client;

import java.io.IOException;

import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;

/** Tenure refused a request: what it asked for has not taken place. */
public final class ProblemException extends IOException {

    private static final long serialVersionUID = 1L;

    private final int status;
    private final String code;
    private final transient JsonNode members;

    ProblemException(int status, String code, String message, JsonNode members) {
        super(message);
        this.status = status;
        this.code = code;
        this.members = members;
    }

    public int status() {
        return status;
    }

    /** As docs/problems.md lists it, for instance {@code leadership_lost}. */
    public String code() {
        return code;
    }

    public boolean is(String expected) {
        return code.equals(expected);
    }

    /** A member of the problem, 0 when it is missing. */
    public long number(String member) {
        return members == null ? 0 : members.path(member).asLong(0);
    }
}
