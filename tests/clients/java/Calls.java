import static com.fasterxml.jackson.databind.DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.net.http.HttpClient;
import java.nio.file.Files;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.api.FieldsApi;
import org.openapitools.client.api.ModelsApi;
import org.openapitools.client.api.PredictApi;
import org.openapitools.client.api.V2Api;
import org.openapitools.client.model.BatchFailure;
import org.openapitools.client.model.BatchPrediction;
import org.openapitools.client.model.ModelDetail;
import org.openapitools.client.model.Problem;
import org.openapitools.client.model.ReaderDetail;

/**
 * Calls the service with a generated client, and prints the answers as JSON.
 *
 * <p>Arguments: URL, DIGIT.png, STRIP.png, a file that is no image.
 */
public class Calls {
    public static void main(String[] arguments) throws Exception {
        // An item of a batch is a prediction or a failure: only one of them has all of its fields.
        var mapper = ApiClient.createDefaultObjectMapper().enable(FAIL_ON_UNKNOWN_PROPERTIES);
        var client = new ApiClient(HttpClient.newBuilder(), mapper, arguments[0]);
        File digit = new File(arguments[1]);
        File strip = new File(arguments[2]);
        File text = new File(arguments[3]);
        var predict = new PredictApi(client);
        var fields = new FieldsApi(client);
        var models = new ModelsApi(client);
        Map<String, Object> answers = new LinkedHashMap<>();

        var one = predict.predict(digit, "lenet5", 0.01, "auto", null, null, "mine");
        answers.put("digit", List.of(one.getDigit(), one.getModel(), one.getDecision().getValue()));
        var batch = predict.predictBatch(List.of(digit, digit, text), null, null, null, null, null, null);
        var items = batch.getPredictions();
        var read = (BatchPrediction) items.get(1).getActualInstance();
        var failure = (BatchFailure) items.get(2).getActualInstance();
        answers.put("batch", List.of(read.getDigit(), read.getIndex(), read.getId().getActualInstance()));
        answers.put("failure", failure.getError().getType());
        var field = fields.readField(strip, null, null, 5L, null, null, null, null, null, null, null, null, null, null);
        answers.put("field", List.of(field.getText(), field.getDigits().get(0).getBox().size()));
        answers.put("seen", Files.size(predict.normalise(digit, null, null, null, null, null, null).toPath()) > 0);
        answers.put("model", ((ModelDetail) models.getModel("resnet", null).getActualInstance()).getTitle());
        answers.put("reader", ((ReaderDetail) models.getModel("reader", null).getActualInstance()).getTitle());
        answers.put("ready", new V2Api(client).v2ServerReady(null).getReady());
        try {
            predict.predict(text, null, null, null, null, null, "mine");
        } catch (ApiException error) {
            var problem = new ObjectMapper().readValue(error.getResponseBody(), Problem.class);
            answers.put("error", List.of(error.getCode(), problem.getType(), problem.getRequestId()));
        }
        System.out.println(new ObjectMapper().writeValueAsString(answers));
    }
}
