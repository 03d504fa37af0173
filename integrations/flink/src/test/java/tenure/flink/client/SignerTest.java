package tenure.flink.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;

import org.junit.jupiter.api.Test;

class SignerTest {

    private static final Instant AT = Instant.parse("2015-08-30T12:36:00Z");
    private static final String SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    private static Signer signer(String service) {
        return new Signer("us-east-1", service, () -> new Credentials("AKIDEXAMPLE", SECRET, Optional.empty()));
    }

    /** The case get-vanilla of the suite that AWS publishes. */
    @Test
    void shouldSignAsTheSuiteOfAwsSays() throws Exception {
        Map<String, String> headers =
                signer("service").sign("GET", URI.create("https://example.amazonaws.com/"), new byte[0], AT);
        assertThat(headers).containsEntry("Authorization",
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
                        + "SignedHeaders=host;x-amz-date, "
                        + "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
    }

    /** The case get-vanilla-query-order-key-case of the same suite. */
    @Test
    void shouldSignAQueryInOrder() throws Exception {
        Map<String, String> headers = signer("service").sign(
                "GET", URI.create("https://example.amazonaws.com/?Param2=value2&Param1=value1"), new byte[0], AT);
        assertThat(headers.get("Authorization"))
                .endsWith("Signature=b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
    }

    @Test
    void shouldSignTheSessionTokenAndShowNoSecret() throws Exception {
        Credentials temporary = new Credentials("AKIDEXAMPLE", SECRET, Optional.of("token"));
        Map<String, String> headers = new Signer("eu-west-1", "execute-api", () -> temporary)
                .sign("POST", URI.create("https://x.execute-api.eu-west-1.amazonaws.com/v1/a%20b"), new byte[] {1}, AT);
        assertThat(headers).containsEntry("x-amz-security-token", "token");
        assertThat(headers.get("Authorization")).contains("SignedHeaders=host;x-amz-date;x-amz-security-token");
        assertThat(temporary.toString()).doesNotContain(SECRET);
    }
}
