import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.services.sts.StsClient;

/** Calls GetCallerIdentity as the Java SDK does: N times with one client, some seconds apart; one line of JSON a call. */
public final class Identity {
    public static void main(String[] arguments) throws InterruptedException {
        int calls = Integer.parseInt(arguments[0]);
        long pause = 1000 * Long.parseLong(arguments[1]);
        DefaultCredentialsProvider credentials = DefaultCredentialsProvider.create();
        try (StsClient client = StsClient.builder()
                .httpClient(UrlConnectionHttpClient.create())
                .credentialsProvider(credentials)
                .build()) {
            for (int call = 0; call < calls; call++) {
                Thread.sleep(call == 0 ? 0 : pause);
                String arn = client.getCallerIdentity().arn();
                String key = credentials.resolveCredentials().accessKeyId();
                System.out.println("{\"arn\": \"" + arn + "\", \"key\": \"" + key + "\"}");
            }
        }
    }
}
