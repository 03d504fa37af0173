package tenure.flink.client;

import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;

/**
 * The default chain of credentials, as far as a Flink process meets it: variables of the environment; a web identity
 * (IAM roles for service accounts on EKS); the container endpoint (tasks of ECS, EKS Pod Identity); the instance's own
 * endpoint. Temporary ones are fetched again five minutes before they end. Profiles and SSO are for people: export them
 * with {@code aws configure export-credentials --format env}.
 */
final class DefaultCredentials implements Credentials.Provider {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration MARGIN = Duration.ofMinutes(5);
    private static final Duration TIMEOUT = Duration.ofSeconds(2);
    private static final String CONTAINER = "http://169.254.170.2";
    private static final String INSTANCE = "http://169.254.169.254/latest/";

    private final HttpClient http;
    private final Map<String, String> environment;
    private Credentials current;
    private Instant until = Instant.MIN;

    DefaultCredentials(HttpClient http) {
        this(http, System.getenv());
    }

    DefaultCredentials(HttpClient http, Map<String, String> environment) {
        this.http = http;
        this.environment = environment;
    }

    @Override
    public synchronized Credentials get() throws IOException, InterruptedException {
        if (current != null && Instant.now().isBefore(until)) return current;
        current = fetch();
        return current;
    }

    private Credentials fetch() throws IOException, InterruptedException {
        String key = environment.get("AWS_ACCESS_KEY_ID");
        String secret = environment.get("AWS_SECRET_ACCESS_KEY");
        if (key != null && secret != null) {
            until = Instant.MAX;
            return new Credentials(key, secret, Optional.ofNullable(environment.get("AWS_SESSION_TOKEN")));
        }
        if (environment.containsKey("AWS_WEB_IDENTITY_TOKEN_FILE")) return fromWebIdentity();
        String relative = environment.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
        String full = environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI");
        if (relative != null) return fromJson(get(CONTAINER + relative, containerHeaders()));
        if (full != null) return fromJson(get(full, containerHeaders()));
        return fromInstance();
    }

    private Map<String, String> containerHeaders() throws IOException {
        String file = environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
        String token = file == null
                ? environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN")
                : Files.readString(Path.of(file)).strip();
        return token == null ? Map.of() : Map.of("Authorization", token);
    }

    private Credentials fromInstance() throws IOException, InterruptedException {
        HttpRequest ask = HttpRequest.newBuilder(URI.create(INSTANCE + "api/token"))
                .timeout(TIMEOUT)
                .header("X-aws-ec2-metadata-token-ttl-seconds", "300")
                .PUT(BodyPublishers.noBody())
                .build();
        try {
            Map<String, String> headers = Map.of("X-aws-ec2-metadata-token", body(http.send(ask, BodyHandlers.ofString())));
            String roles = INSTANCE + "meta-data/iam/security-credentials/";
            return fromJson(get(roles + get(roles, headers).strip(), headers));
        } catch (IOException e) {
            throw new IOException("No AWS credentials: neither the environment, a container nor an instance has any", e);
        }
    }

    private Credentials fromWebIdentity() throws IOException, InterruptedException {
        String token = Files.readString(Path.of(environment.get("AWS_WEB_IDENTITY_TOKEN_FILE"))).strip();
        String region = environment.getOrDefault("AWS_REGION", environment.get("AWS_DEFAULT_REGION"));
        String host = region == null ? "sts.amazonaws.com" : "sts." + region + ".amazonaws.com";
        String form = "Action=AssumeRoleWithWebIdentity&Version=2011-06-15"
                + "&RoleArn=" + encoded(environment.getOrDefault("AWS_ROLE_ARN", ""))
                + "&RoleSessionName=" + encoded(environment.getOrDefault("AWS_ROLE_SESSION_NAME", "tenure-flink"))
                + "&WebIdentityToken=" + encoded(token);
        HttpRequest request = HttpRequest.newBuilder(URI.create("https://" + host + "/"))
                .timeout(TIMEOUT.multipliedBy(3))
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(BodyPublishers.ofString(form))
                .build();
        String xml = body(http.send(request, BodyHandlers.ofString()));
        return keep(element(xml, "AccessKeyId"), element(xml, "SecretAccessKey"), element(xml, "SessionToken"),
                element(xml, "Expiration"));
    }

    private Credentials fromJson(String text) throws IOException {
        JsonNode json = JSON.readTree(text);
        return keep(json.path("AccessKeyId").asText(), json.path("SecretAccessKey").asText(),
                json.path("Token").asText(), json.path("Expiration").asText());
    }

    private Credentials keep(String key, String secret, String token, String expiration) {
        until = Instant.parse(expiration).minus(MARGIN);
        return new Credentials(key, secret, Optional.of(token));
    }

    private String get(String url, Map<String, String> headers) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url)).timeout(TIMEOUT);
        headers.forEach(request::header);
        return body(http.send(request.build(), BodyHandlers.ofString()));
    }

    private static String body(HttpResponse<String> response) throws IOException {
        if (response.statusCode() == 200) return response.body();
        throw new IOException(response.uri().getHost() + " gave no credentials: status " + response.statusCode());
    }

    private static String element(String xml, String name) throws IOException {
        Matcher matcher = Pattern.compile("<" + name + ">([^<]*)</" + name + ">").matcher(xml);
        if (matcher.find()) return matcher.group(1);
        throw new IOException("The answer of STS has no " + name);
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
