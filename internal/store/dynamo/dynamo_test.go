package dynamo_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stepsleuth/stepsleuth/internal/awscloud/awstest"
	"github.com/stepsleuth/stepsleuth/internal/clienttest"
	"github.com/stepsleuth/stepsleuth/internal/store"
	"github.com/stepsleuth/stepsleuth/internal/store/dynamo"
	"github.com/stepsleuth/stepsleuth/internal/store/storetest"
)

func client(url string) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		BaseEndpoint: &url, Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTPClient: &http.Client{Transport: new(oneByOne)},
	})
}

// oneByOne sends a request when the one before is answered: moto's transactions are none
// where two come at once.
type oneByOne struct{ mu sync.Mutex }

func (o *oneByOne) RoundTrip(r *http.Request) (*http.Response, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return http.DefaultTransport.RoundTrip(r)
}

func TestStore(t *testing.T) {
	storetest.Run(t, storetest.Storm, func(t *testing.T, p store.Policy) func() storetest.Incidents {
		srv := httptest.NewServer(&awstest.Table{Name: "incidents"})
		t.Cleanup(srv.Close)
		c := client(srv.URL)
		return func() storetest.Incidents { return &dynamo.Store{Client: c, Table: "incidents", Policy: p} }
	})
}

// TestStoreOnMoto runs the same suite against another DynamoDB: that the small one of
// ours and the store agree proves little by itself.
func TestStoreOnMoto(t *testing.T) {
	if os.Getenv("CI") != "true" && os.Getenv("STEPSLEUTH_MOTO") == "" {
		t.Skip("SKIPPED: set STEPSLEUTH_MOTO=1 to try the store against moto_server as well")
	}
	c := client(clienttest.NewMoto(t).URL)
	var tables atomic.Int32
	storetest.Run(t, 20, func(t *testing.T, p store.Policy) func() storetest.Incidents {
		name := fmt.Sprintf("incidents-%d", tables.Add(1))
		create(t, c, name)
		return func() storetest.Incidents {
			return &dynamo.Store{Client: c, Table: name, Policy: p, Patience: time.Minute}
		}
	})
}

func create(t *testing.T, c *dynamodb.Client, name string) {
	t.Helper()
	_, err := c.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: &name, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS}, {AttributeName: aws.String("sk"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema: []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}, {AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange}},
	})
	if err != nil {
		t.Fatal(err)
	}
}
