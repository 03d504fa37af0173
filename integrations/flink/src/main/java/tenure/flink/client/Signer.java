package tenure.flink.client;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Signature version 4 for the header {@code Authorization}. Our own, since the SDK's signer would put some twenty jars,
 * in versions of their own, next to those that Flink's file systems bring along.
 */
public final class Signer {

    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC);

    private final String region;
    private final String service;
    private final Credentials.Provider credentials;

    public Signer(String region, String service, Credentials.Provider credentials) {
        this.region = region;
        this.service = service;
        this.credentials = credentials;
    }

    /** The headers that the request needs besides its own. */
    public Map<String, String> sign(String method, URI uri, byte[] body, Instant at)
            throws IOException, InterruptedException {
        Credentials current = credentials.get();
        String time = TIME.format(at);
        String scope = time.substring(0, 8) + "/" + region + "/" + service + "/aws4_request";
        TreeMap<String, String> signed = new TreeMap<>();
        signed.put("host", uri.getPort() < 0 ? uri.getHost() : uri.getHost() + ":" + uri.getPort());
        signed.put("x-amz-date", time);
        current.sessionToken().ifPresent(token -> signed.put("x-amz-security-token", token));
        String names = String.join(";", signed.keySet());
        String request = String.join("\n",
                method,
                canonicalPath(uri),
                canonicalQuery(uri),
                signed.entrySet().stream().map(header -> header.getKey() + ":" + header.getValue() + "\n")
                        .collect(Collectors.joining()),
                names,
                hex(sha256(body)));
        String toSign = String.join("\n",
                "AWS4-HMAC-SHA256", time, scope, hex(sha256(request.getBytes(StandardCharsets.UTF_8))));
        byte[] key = ("AWS4" + current.secretAccessKey()).getBytes(StandardCharsets.UTF_8);
        for (String part : scope.split("/")) key = hmac(key, part);
        Map<String, String> headers = new LinkedHashMap<>(signed);
        headers.remove("host");
        headers.put("Authorization", "AWS4-HMAC-SHA256 Credential=" + current.accessKeyId() + "/" + scope
                + ", SignedHeaders=" + names + ", Signature=" + hex(hmac(key, toSign)));
        return headers;
    }

    /** Each segment is encoded once more, as every service but S3 wants it. */
    private static String canonicalPath(URI uri) {
        String path = uri.getRawPath();
        return path == null || path.isEmpty() ? "/" : path.replace("%", "%25");
    }

    private static String canonicalQuery(URI uri) {
        String query = uri.getRawQuery();
        if (query == null) return "";
        return Arrays.stream(query.split("&"))
                .map(part -> part.contains("=") ? part : part + "=")
                .sorted()
                .collect(Collectors.joining("&"));
    }

    public static byte[] sha256(byte[] content) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(content);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("This Java has no SHA-256", e);
        }
    }

    public static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }

    private static byte[] hmac(byte[] key, String text) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("This Java has no HmacSHA256", e);
        }
    }
}
