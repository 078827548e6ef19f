package engine

import "sync"

// answers holds what is known of the answers of services, by "service:action",
// for checking mocked results (from the services' public API references). It is
// no complete list: what is not here is not checked.
var answers = sync.OnceValue(makeAnswers)

func makeAnswers() map[string]*shape {
	all := map[string]*shape{}
	both := func(service, action string, s *shape) {
		all[service+":"+action] = s
		all["aws-sdk:"+service+":"+action] = s
	}
	for action, s := range dynamoDBAnswers() {
		both("dynamodb", action, s)
	}
	for action, s := range map[string]*shape{
		"putEvents": record(fields{
			"Entries":          listOf(record(fields{"EventId": str(), "ErrorCode": str(), "ErrorMessage": str()})),
			"FailedEntryCount": num(),
		}),
	} {
		all["events:"+action] = s
		all["aws-sdk:eventbridge:"+action] = s
	}
	both("sqs", "sendMessage", record(fields{
		"MD5OfMessageBody": str(), "MD5OfMessageAttributes": str(), "MD5OfMessageSystemAttributes": str(),
		"MessageId": str(), "SequenceNumber": str(),
	}))
	both("sns", "publish", record(fields{"MessageId": str(), "SequenceNumber": str()}))
	execution := record(fields{"ExecutionArn": sized(1, 256), "StartDate": str()}, "ExecutionArn", "StartDate")
	all["states:startExecution"], all["aws-sdk:sfn:startExecution"] = execution, execution
	described := describedExecution()
	all["states:startExecution.sync"], all["states:startExecution.sync:2"] = described, described
	all["aws-sdk:sfn:describeExecution"] = described
	for action, s := range lambdaAnswers() {
		all["aws-sdk:lambda:"+action] = s
	}
	all["lambda:invoke"] = record(fields{
		"StatusCode": num(), "FunctionError": str(), "LogResult": str(), "ExecutedVersion": sized(1, 1024),
	})
	for action, s := range kmsAnswers() {
		all["aws-sdk:kms:"+action] = s
	}
	for action, s := range s3Answers() {
		all["aws-sdk:s3:"+action] = s
	}
	return all
}

func describedExecution() *shape {
	included := record(fields{"Included": flag()})
	arn := sized(1, 256)
	return record(fields{
		"ExecutionArn": arn, "StateMachineArn": arn, "MapRunArn": str(), "StateMachineVersionArn": arn, "StateMachineAliasArn": arn,
		"Name": sized(1, 80), "Status": oneOf("RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE"),
		"StartDate": str(), "StopDate": str(), "Input": str(), "InputDetails": included, "Output": str(), "OutputDetails": included,
		"Error": sized(0, 256), "Cause": sized(0, 32768), "TraceHeader": sized(0, 256),
		"RedriveCount": num(), "RedriveDate": str(), "RedriveStatus": oneOf("REDRIVABLE", "NOT_REDRIVABLE", "REDRIVABLE_BY_MAP_RUN"), "RedriveStatusReason": str(),
	}, "ExecutionArn", "StateMachineArn", "Status", "StartDate")
}

func dynamoDBAnswers() map[string]*shape {
	capacity := record(fields{
		"CapacityUnits": num(), "ReadCapacityUnits": num(), "WriteCapacityUnits": num(), "TableName": str(),
		"Table": record(fields{"CapacityUnits": num(), "ReadCapacityUnits": num(), "WriteCapacityUnits": num()}),
	})
	attribute := record(fields{
		"S": str(), "N": str(), "B": str(), "SS": listOf(str()), "NS": listOf(str()), "BS": listOf(str()), "BOOL": flag(), "NULL": flag(),
	})
	attribute.members["L"], attribute.members["M"] = listOf(attribute), mapOf(attribute)
	item := mapOf(attribute)
	metrics := record(fields{"ItemCollectionKey": item, "SizeEstimateRangeGB": listOf(num())})
	write := record(fields{"Attributes": item, "ConsumedCapacity": capacity, "ItemCollectionMetrics": metrics})
	search := record(fields{
		"Items": listOf(item), "Count": num(), "ScannedCount": num(), "LastEvaluatedKey": item, "ConsumedCapacity": capacity,
	})
	return map[string]*shape{
		"putItem": write, "updateItem": write, "deleteItem": write,
		"getItem": record(fields{"Item": item, "ConsumedCapacity": capacity}),
		"query":   search, "scan": search,
	}
}

func lambdaAnswers() map[string]*shape {
	configuration := fields{
		"FunctionName": str(), "FunctionArn": str(), "Runtime": str(), "Role": str(), "Handler": str(),
		"CodeSize": num(), "Description": sized(0, 256), "Timeout": within(1, 900), "MemorySize": within(128, 10240),
		"LastModified": str(), "CodeSha256": str(), "Version": str(), "RevisionId": str(),
		"State":            oneOf("Pending", "Active", "Inactive", "Failed"),
		"LastUpdateStatus": oneOf("Successful", "Failed", "InProgress"),
		"PackageType":      oneOf("Zip", "Image"),
		"Architectures":    listOf(oneOf("x86_64", "arm64")),
		"EphemeralStorage": record(fields{"Size": within(512, 10240)}, "Size"),
		"TracingConfig":    record(fields{"Mode": oneOf("Active", "PassThrough")}),
	}
	return map[string]*shape{
		"getFunction": record(fields{
			"Configuration": record(configuration),
			"Code":          record(fields{"RepositoryType": str(), "Location": str(), "ImageUri": str(), "ResolvedImageUri": str()}),
			"Tags":          mapOf(str()),
			"Concurrency":   record(fields{"ReservedConcurrentExecutions": num()}),
		}),
		"getFunctionConfiguration": record(configuration),
		"invoke": record(fields{
			"StatusCode": num(), "FunctionError": str(), "LogResult": str(), "ExecutedVersion": sized(1, 1024),
		}),
	}
}

func kmsAnswers() map[string]*shape {
	key := sized(1, 2048)
	blob, plain := sized(1, 6144), sized(1, 4096)
	algorithm := oneOf("SYMMETRIC_DEFAULT", "RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "SM2PKE")
	return map[string]*shape{
		"encrypt":         record(fields{"CiphertextBlob": blob, "KeyId": key, "EncryptionAlgorithm": algorithm}),
		"decrypt":         record(fields{"Plaintext": plain, "KeyId": key, "EncryptionAlgorithm": algorithm}),
		"generateDataKey": record(fields{"CiphertextBlob": blob, "Plaintext": plain, "KeyId": key}),
	}
}

func s3Answers() map[string]*shape {
	storage := oneOf("STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER",
		"DEEP_ARCHIVE", "OUTPOSTS", "GLACIER_IR", "SNOW", "EXPRESS_ONEZONE", "FSX_OPENZFS")
	encryption := oneOf("AES256", "aws:fsx", "aws:kms", "aws:kms:dsse")
	object := fields{
		"DeleteMarker": flag(), "AcceptRanges": str(), "Expiration": str(), "Restore": str(), "LastModified": str(),
		"ContentLength": num(), "ETag": str(), "MissingMeta": num(), "VersionId": str(), "CacheControl": str(),
		"ContentDisposition": str(), "ContentEncoding": str(), "ContentLanguage": str(), "ContentRange": str(),
		"ContentType": str(), "ServerSideEncryption": encryption, "Metadata": mapOf(str()), "StorageClass": storage,
		"PartsCount": num(), "TagCount": num(), "BucketKeyEnabled": flag(), "SSEKMSKeyId": str(),
		"ReplicationStatus": oneOf("COMPLETE", "PENDING", "FAILED", "REPLICA", "COMPLETED"),
	}
	return map[string]*shape{
		"getObject":  record(object),
		"headObject": record(object),
		"putObject": record(fields{
			"Expiration": str(), "ETag": str(), "ServerSideEncryption": encryption, "VersionId": str(),
			"BucketKeyEnabled": flag(), "Size": num(),
		}),
		"listObjectsV2": record(fields{
			"IsTruncated": flag(), "Name": str(), "Prefix": str(), "MaxKeys": num(), "KeyCount": num(),
			"Contents": listOf(record(fields{"Key": sized(1, 0), "LastModified": str(), "ETag": str(), "Size": num(), "StorageClass": str()})),
		}),
	}
}
