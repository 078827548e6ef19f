package rules

import (
	"slices"
	"strings"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
)

// signal is what exception names, HTTP statuses and customary words say of a
// failure, whichever service it came from. It is read once, here, so that rules
// never disagree over the same words.
type signal struct {
	category diagnose.Category
	sure     bool // by a known name or wording; else by a suffix or a status
}

// exception is the exception's own name: without package, service and "Exception".
func exception(s string) string {
	if i := strings.LastIndexAny(s, ".$/:#"); i >= 0 && i+1 < len(s) {
		if parts := strings.Split(s, "."); len(parts) == 2 && strings.HasPrefix(parts[0], "Invalid") {
			return s // EC2: InvalidSubnetID.NotFound
		}
		s = s[i+1:]
	}
	return s
}

// classes are tried in order; the first that fits counts.
var classes = []struct {
	category diagnose.Category
	names    *lazyregexp.Regexp // whole exception names
	words    *lazyregexp.Regexp
	suffix   *lazyregexp.Regexp // less sure
}{
	{
		diagnose.PayloadSize,
		lazyregexp.New(`(?i)^(RequestEntityTooLarge|RequestTooLarge|EntityTooLarge|ResponseSizeTooLarge|BatchRequestTooLong|MessageTooLong|PayloadTooLarge|ContentTooLarge|ItemCollectionSizeLimitExceeded|PolicyLengthExceeded|PackedPolicyTooLarge|MaxMessageLengthExceeded|DataLimitExceeded|UserDataTooLarge|FileTooLarge|ItemSizeLimitExceeded|RequestHeaderSectionTooLarge)(Exception|Error|Fault)?$`),
		lazyregexp.New(`(?i)item size (?:has exceeded|to update has exceeded)|request must be smaller than \d+ bytes|exceeded maximum allowed payload size|message must be shorter than|message too long|total size of the entries in the request is over the limit|payload (?:is )?too large|request entity too large|exceed(?:s|ed|ing)? the (?:maximum|max)[\w ]{0,30}(?:size|length|bytes)|size exceeding the maximum number of bytes|(?:size|length) (?:of [\w ]{1,40})?(?:exceeds|is (?:larger|greater) than|must be (?:less than|at most|smaller than)) [\w ]{0,30}\d+ ?(?:bytes|kb|kib|mb|mib|characters)?|Input is too long for requested model|overrides length must be at most|too large to (?:process|send|fit)|maximum (?:payload|message|request|response|item) size|size exceeds (?:the )?(?:maximum |max )?(?:limit|size|allowed)|(?:request|message|payload|body|file|batch) size exceeded|max(?:imum)? (?:length|size) (?:of [\w ]{1,40})?(?:is|allowed)`),
		lazyregexp.New(`(?i)(SizeLimitExceeded|SizeExceeded|TooLarge|TooLong|LengthExceeded)\w*$`),
	},
	{
		diagnose.Permission,
		lazyregexp.New(`(?i)^(AccessDenied|AccessDeniedException|AccessDeniedError|KMSAccessDenied|UnauthorizedOperation|Unauthorized|UnauthorizedException|AuthorizationError|AuthorizationErrorException|AuthFailure|NotAuthorized|NotAuthorizedException|Forbidden|ForbiddenException|AllAccessDisabled|ExpiredToken|ExpiredTokenException|InvalidClientTokenId|UnrecognizedClientException|InvalidAccessKeyId|SignatureDoesNotMatch|InvalidSignatureException|MissingAuthenticationToken(Exception)?|OptInRequired|InsufficientPrivileges(Exception)?|PermissionError|Permissions|NoCredentialsError|CredentialsError|TokenRefreshRequired|AuthorizationHeaderMalformed|AccountAccessDenied|CrossAccountAccessDenied|KmsAccessDeniedException|KMSAccessDeniedException|EFSMountFailureAccess)$`),
		lazyregexp.New(`(?i)is not authorized to|is denied access|authentication (?:is )?required|not authorized to (?:perform|assume|access)|access ?denied|access is denied|permission denied|does not have (?:the )?(?:required )?permissions?|(?:lacks?|missing|insufficient) [\w:* -]{0,60}permissions?|explicit deny|no (?:identity|resource|session)-based policy allows|You don'?t have access to the model|security token included in the request is (?:invalid|expired)|unable to assume|cannot be assumed|could not assume|not able to assume|Missing Authentication Token|the (?:provided )?(?:execution )?role .{0,80}(?:cannot|can't) be assumed|signature we calculated does not match|Insufficient Lake Formation|is not authorized to create managed-rule|Unable to locate credentials|requester is not authorized|pass role is not allowed|access to [\w ]{1,40}(?:is )?(?:not allowed|denied|forbidden)`),
		lazyregexp.New(`(?i)(AccessDenied|Unauthorized|NotAuthorized|Forbidden|PermissionDenied)\w*$`),
	},
	{
		diagnose.Quota,
		lazyregexp.New(`(?i)^(ResourceLimitExceeded|ServiceQuotaExceeded|ServiceLimitExceeded|QuotaExceeded|AccountLimitExceeded|InstanceLimitExceeded|VcpuLimitExceeded|MaxSpotInstanceCountExceeded|ConcurrentRunsExceeded|ResourceNumberLimitExceeded|ExecutionLimitExceeded|StateMachineLimitExceeded|ActivityLimitExceeded|ActivityWorkerLimitExceeded|TooManyTags|CodeStorageExceeded|TooManyBuckets|TooManyTopics|LimitExceeded|LimitExceededFault|OverLimit|ConcurrentQueryLimitExceeded|ClusterLimitExceeded|NetworkInterfaceLimitExceeded|ENILimitReached|RoleLimitExceeded|MaxConcurrentJobsExceeded|TooManyEntities|SubscriptionLimitExceeded|FilterPolicyLimitExceeded|OverQuota|DailyQuotaExceeded|AccountQuotaExceeded|ENILimitReachedException|TooManyRulesException|MapRunLimitExceeded)(Exception|Error|Fault)?$`),
		lazyregexp.New(`(?i)account-level service limit|service quota|(?:quota|limit) (?:has been |was |is )?(?:exceeded|reached)|exceeded (?:the|your|its|their) (?:[\w-]+ ){0,4}(?:quota|limit)|(?:maximum|max) (?:number|count) of [\w ,-]{1,60}(?:reached|exceeded|has been|already|is \d+|allowed)|reached the maximum (?:number|allowed)|too many concurrent|concurrent runs exceeded|you(?:['’]ve| have)? (?:already )?reached (?:the|your) [\w ]{0,20}limit|you have requested more [\w ]+ than|max(?:imum)? concurren(?:t|cy) (?:\w+ )?(?:limit|exceeded)|maximum number of history events|limit for the number of (?:queries|queued)|tokens per day|exceeded the (?:maximum |allowed )?number of|exhausted (?:the|its|your) (?:number|quota|limit|allowed)`),
		lazyregexp.New(`(?i)(LimitExceeded|QuotaExceeded|LimitReached|LimitExceededException)\w*$`),
	},
	{
		diagnose.Throttling,
		lazyregexp.New(`(?i)^(Throttling|ThrottlingException|Throttled|ThrottledException|ThrottlingError|TooManyRequests|TooManyRequestsException|RequestLimitExceeded|RequestThrottled|RequestThrottledException|ProvisionedThroughputExceeded|ProvisionedThroughputExceededException|SlowDown|BandwidthLimitExceeded|EC2ThrottledException|KMSThrottlingException|KmsThrottlingException|PriorRequestNotComplete|RateExceeded|RateLimitExceeded|RateLimitError|LimitExceededExceptionRate|RequestRateTooHigh|ReservedFunctionConcurrentInvocationLimitExceeded|ConcurrentInvocationLimitExceeded|FunctionThrottled|ThroughputExceeded|ReadThrottle|ServiceQuotaThrottled|MaximumSendingRateExceeded|OnDemandThroughputExceeded)$`),
		lazyregexp.New(`(?i)(?:^|[:.(\['"“] ?|request |provisioned |sending |call |api |invocation |write |read )rate exceeded|too many requests|throttl(?:ed|ing)(?:[^\w-]|$)|throttlingexception|(?:reduce|slow down) your request rate|rate limit|sending rate exceeded|throughput (?:for the table|was|has been) exceeded|exceeded (?:the |your )?(?:maximum )?(?:allowed )?(?:request|call|throughput|token) rate|too many tokens|429 client error|quota exceeded for (?:metric|quota metric)|requests? per (?:second|minute)`),
		lazyregexp.New(`(?i)(Throttl\w*|TooManyRequests\w*|RateExceeded\w*)$`),
	},
	{
		diagnose.ResourceAlreadyExists,
		lazyregexp.New(`(?i)^(AlreadyExists|AlreadyExistsException|EntityAlreadyExists|EntityAlreadyExistsException|ResourceAlreadyExists|ResourceAlreadyExistsException|ResourceExistsException|ExecutionAlreadyExists|ExecutionAlreadyExistsException|StateMachineAlreadyExists|StateMachineAlreadyExistsException|ActivityAlreadyExists|BucketAlreadyExists|BucketAlreadyOwnedByYou|ConditionalCheckFailed|ConditionalCheckFailedException|TableAlreadyExistsException|QueueNameExists|QueueAlreadyExists|DBInstanceAlreadyExists\w*|DBSnapshotAlreadyExists\w*|InvalidGroup\.Duplicate|InvalidKeyPair\.Duplicate|DuplicateKeyException|DuplicateListenerException|DuplicateItemException|DuplicateEntry|NameAlreadyUsed|PreconditionFailed|FileExistsError|UsernameExistsException|IntegrityConstraintViolation|UniqueViolation)$`),
		lazyregexp.New(`(?i)already exists|already in use by|conditional request failed|cannot create already existing|must be unique|duplicate (?:key|entry)|name is already (?:taken|used)|a training job with (?:this|the same) name|ConditionalCheckFailed`),
		lazyregexp.New(`(?i)(AlreadyExists\w*|ExistsException|DuplicateRequest\w*)$`),
	},
	{
		diagnose.ResourceNotFound,
		lazyregexp.New(`(?i)^(ResourceNotFound|ResourceNotFoundException|ResourceNotFoundFault|NoSuchKey|NoSuchBucket|NoSuchUpload|NoSuchVersion|NoSuchEntity|NoSuchEntityException|EntityNotFoundException|NotFound|NotFoundException|QueueDoesNotExist|QueueDoesNotExistException|NonExistentQueue|ClusterNotFoundException|StateMachineDoesNotExist|StateMachineDoesNotExistException|ExecutionDoesNotExist|ExecutionDoesNotExistException|ActivityDoesNotExist|ActivityDoesNotExistException|ParameterNotFound|TableNotFoundException|TaskDefinitionNotFound|DBInstanceNotFound|DBInstanceNotFoundFault|ServiceNotFoundException|RepositoryNotFoundException|ImageNotFoundException|UserNotFoundException|TopicNotFound|MetadataException|InvalidAMIID\.NotFound|JobNotFound|NoSuchHostedZone|NoSuchPublicAccessBlockConfiguration|ServerlessClusterNotFound|ResourceNotFoundError)$`),
		lazyregexp.New(`(?i)(?:does not|doesn't|did not) exist|requested resource not found|(?:could not|cannot|can't|unable to) (?:find|locate|be found)|(?:was|were|is|are) not found|\bnot found\b|no such (?:key|bucket|entity|file|table|queue|job)|unknown (?:queue|topic|job|table|cluster|stack)|is not found|TaskDefinition not found|unable to describe task definition|TABLE_NOT_FOUND|SCHEMA_NOT_FOUND|no longer exists|has been deleted|does not have an? (?:function|queue|topic|table)`),
		lazyregexp.New(`(?i)(NotFound\w*|DoesNotExist\w*|NoSuch\w+)$`),
	},
	{
		diagnose.Concurrency,
		lazyregexp.New(`(?i)^(ConflictException|Conflict|ResourceConflictException|ResourceConflict|ResourceInUse|ResourceInUseException|ConcurrentModification|ConcurrentModificationException|ConcurrentUpdateException|ConcurrentAccessException|OperationAborted|OperationAbortedException|TransactionConflictException|TransactionConflict|TransactionCanceledException|TransactionInProgressException|ConditionalRequestConflict|CrawlerRunningException|UpdateInProgressException|OperationNotPageable|InvalidStateTransition|InvalidDBInstanceState|InvalidDBInstanceStateFault|InvalidDBClusterStateFault|DeadlockDetected|OptimisticLockException|StaleObjectStateException|DirectUpdateConflict|SerializationFailure|ResourceNotReadyException|ResourceNotReady|InvalidCacheClusterState|StateMachineDeleting|IncorrectState|IncorrectInstanceState|DependencyViolation|ResourceLocked|VersionMismatchException|ClusterContainsTasks\w*|OperationInProgressException|IdempotentParameterMismatch\w*)$`),
		lazyregexp.New(`(?i)update is in progress|is (?:currently )?(?:being )?(?:updated|modified|deleted)\b|conflicting (?:conditional )?(?:operation|request)|transaction (?:conflict|is ongoing)|TransactionConflict|transaction cancelled|deadlock|could not serialize access|currently in the following state: (?:Pending|InProgress)|another (?:operation|update|process|request) is (?:in progress|already)|already (?:running|in progress|being)|concurrent (?:update|modification|write)|resource (?:is )?in use|optimistic lock|must be in (?:the )?['"]?(?:available|active|running|ready)|is not in (?:an? )?(?:the )?['"]?(?:available|active|ready)|not in a state (?:from|in) which|\b[a-z]+_in_progress\b|is (?:still |currently )?in progress|(?:is|was) (?:currently )?in (?:the |an? )?['"]?(?:creating|updating|deleting|modifying|pending|starting|stopping|rebooting|resizing|scaling|backing-up|configuring)\b`),
		lazyregexp.New(`(?i)(Conflict\w*|ConcurrentModification\w*|InUse\w*|InProgress\w*|PendingException|NotReady\w*)$`),
	},
	{
		diagnose.Configuration,
		lazyregexp.New(`(?i)^(Disabled|DisabledException|KMSDisabled\w*|KmsInvalidState\w*|InvalidKeyUsage\w*|MailFromDomainNotVerified\w*|ConfigurationSetDoesNotExist\w*|RegionDisabled\w*|PermanentRedirect|IllegalLocationConstraint\w*|OperationDisabled\w*|FeatureNotEnabled\w*)$`),
		lazyregexp.New(`(?i)\b(?:is|are|has been|was) (?:currently )?disabled\b|is not enabled|not verified|must be addressed using the specified endpoint|No Container Instances were found|(?:is|are) not supported in (?:this|the specified|your) region|not opted in|has not been configured|is not configured`),
		nil,
	},
	{
		diagnose.Network,
		lazyregexp.New(`(?i)^(ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|EPIPE|ConnectionError|ConnectionRefusedError|ConnectionResetError|ConnectTimeout|ConnectTimeoutError|ConnectTimeoutException|ReadTimeout|ReadTimeoutError|EndpointConnectionError|UnknownHostException|SocketTimeoutException|ConnectException|NoRouteToHostException|SSLError|SSLException|SSLHandshakeException|SSLCertVerificationError|HttpHostConnectException|ConnectionClosedError|TimeoutError|socket\.timeout|socket\.gaierror|gaierror|URLError|MaxRetryError|NewConnectionError|FetchError|NetworkingError|ProxyError|ProxyConnectionError|OperationalError|CommunicationsException|ServerSelectionTimeoutError|MongoNetworkError|MongoServerSelectionError|SequelizeConnectionError|SequelizeConnectionRefusedError|APIConnectionError|OpError|HttpRequestException|SocketException|RemoteDisconnected|ClientConnectorError|NoBrokersAvailable)$`),
		lazyregexp.New(`ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|ENOTFOUND|(?i:getaddrinfo|name or service not known|temporary failure in name resolution|nodename nor servname|could not resolve host|no such host|unknownhost|connection (?:was )?(?:refused|reset|aborted|timed out|closed by|to .{1,80} timed out)|connect(?:ion)? timeout|connect timed out|could not connect to|can't connect to|failed to establish a new connection|failed to connect to|unable to connect|read timed out|read timeout on|network is unreachable|no route to host|i/o timeout|dial tcp|socket hang ?up|max retries exceeded with url|certificate (?:verify failed|has expired|is not trusted)|ssl handshake|handshake_failure|PKIX path building|x509:|tls: |communications link failure|unable to execute http request|broken pipe|connection pool|unable to reach|network error)`),
		nil,
	},
	{
		diagnose.InvalidParameters,
		lazyregexp.New(`(?i)^(ValidationException|ValidationError|InvalidParameter|InvalidParameterException|InvalidParameterValue|InvalidParameterValueException|InvalidParameterCombination|InvalidInputException|InvalidInput|InvalidRequest|InvalidRequestException|InvalidRequestContentException|BadRequest|BadRequestException|SerializationException|ParamValidationError|ParamValidation|MissingParameter|MissingRequiredParameter|MissingRequiredParameterException|InvalidArgument|InvalidArgumentException|MalformedDetail|MalformedPolicyDocument\w*|InvalidName|InvalidArn|InvalidExecutionInput|InvalidOutput|InvalidToken|InvalidFormatException|UnsupportedOperation\w*|UnsupportedMediaType\w*|InvalidAddress|InvalidMessageContents|InvalidAttributeValue|InvalidAttributeName|IllegalArgument|InvalidQueryException|UnprocessableEntity\w*|ValidationErrorException|InvalidBucketName|MalformedXML|InvalidObjectState|KeyTooLongError|InvalidRange|InvalidDigest|ClientException|InvalidSNSTopic\w*|BatchEntryIdsNotDistinct|EmptyBatchRequest|InvalidBatchEntryId|TooManyEntriesInBatchRequest|InvalidSequenceToken\w*|AmazonDynamoDBException)$`),
		lazyregexp.New(`(?i)validation errors? detected|failed to satisfy constraint|member must|must not be null|parameter validation failed|invalid (?:parameter|type for parameter|value|input|argument|name|arn|format|request|json)|is not a valid|is (?:a )?required (?:parameter|argument|field|property|member)|missing (?:the )?(?:required|key)|must (?:contain|have|be|not be|match|start with|specify) |one or more parameter values (?:are|were) (?:not valid|invalid)|the provided key element does not match|must contain the parameter|unknown parameter|malformed|is malformed|unsupported (?:value|type|format)|could not be (?:parsed|unmarshalled|deserialized)|cannot deserialize|unexpected (?:token|character|end of)|is not valid|extraneous key|is not supported (?:for|by|in)`),
		lazyregexp.New(`(?i)^(Invalid\w+|Malformed\w+|BadRequest\w*|\w*Validation(Exception|Error)?|Missing\w+|Unsupported\w+|Illegal\w+)$`),
	},
	{
		diagnose.ServiceError,
		lazyregexp.New(`(?i)^(InternalServerError|InternalServerException|InternalServerErrorException|InternalFailure|InternalFailureException|InternalError|InternalException|InternalErrorException|InternalServiceError|InternalServiceException|InternalServiceErrorException|InternalServerFault|InternalServiceFault|ServiceException|ServerException|ServiceFailure|ServiceFailureException|ServiceError|ServiceUnavailable|ServiceUnavailableException|ServiceUnavailableError|ServiceInternalError|ServiceException|SdkClientException|SDKClientException|DependencyFailedException|ThirdPartyServiceException|ModelTimeoutException|ModelErrorException|ModelNotReadyException|ModelStreamErrorException|InsufficientCapacity\w*|InsufficientInstanceCapacity|InsufficientClusterCapacity|InsufficientDBInstanceCapacity|InsufficientFreeAddressesInSubnet|CapacityError|RequestTimeout|RequestTimeoutException|RequestTimedOut|BadGateway\w*|GatewayTimeout\w*|Unavailable|HTTPError|KMSInternalException|AgentError|EC2UnexpectedException)$`),
		lazyregexp.New(`(?i)internal (?:server|service|failure|error)|service (?:is )?(?:temporarily )?unavailable|(?:502|503|504|500)(?: |:|,)(?:from|bad gateway|service|gateway|internal|server error)|bad gateway|gateway time-?out|insufficient capacity|capacity is unavailable|unable to provision requested|please try again later|unexpected error (?:occurred|was encountered)|server error|temporarily unavailable|we encountered an internal error|(?:status code|status|HTTP|code)[:= ]+5\d\d\b`),
		lazyregexp.New(`(?i)(InternalError|ServerError|InternalServer\w*|Unavailable\w*|ServiceException|ServerException|(?:Operation|Request|Query|Model|Gateway)Tim(?:eout|edOut)\w*)$`),
	},
}

// telling is how much of the beginning and the end of a long message is read for
// its meaning: the rest is data and stack traces.
const telling = 1024

func ends(s string) string {
	if len(s) <= 2*telling {
		return s
	}
	return strings.ToValidUTF8(s[:telling]+" … "+s[len(s)-telling:], "")
}

// signalOf reads a layer's exception names, words and HTTP status.
func signalOf(c *diagnose.Cause) signal {
	if len(c.Message) > 2*telling {
		shorter := *c
		shorter.Message = ends(c.Message)
		c = &shorter
	}
	names := []string{exception(c.Type), exception(c.Error)}
	if c.Shape == diagnose.LambdaCause {
		names = names[:1]
	}
	if c.Shape == diagnose.LambdaCause && ownMistake.MatchString(exception(c.Type)) {
		return signal{} // what the message holds is data
	}
	if s, ok := special(c); ok {
		return s
	}
	for _, name := range bothForms(names) {
		if vague.MatchString(name) {
			continue
		}
		for _, class := range classes {
			if name != "" && class.names.MatchString(name) {
				return byWords(c, class.category)
			}
		}
	}
	for _, class := range classes {
		if class.category == diagnose.ResourceNotFound && absentMember.MatchString(c.Message) {
			continue
		}
		if ownWords(c, class.category) && class.words.MatchString(c.Message) && !loose(c, class.category) {
			return signal{class.category, true}
		}
	}
	for _, name := range names {
		for _, class := range classes {
			if name != "" && class.suffix != nil && class.suffix.MatchString(name) && !vague.MatchString(name) && ownWords(c, class.category) {
				return signal{class.category, false}
			}
		}
	}
	return byStatus(c.Status)
}

// bothForms are names as they stand, then without the ending that only says that
// they are names of errors: services and SDKs differ in whether they write it.
func bothForms(names []string) []string {
	both := slices.Clone(names)
	for _, name := range names {
		for _, ending := range []string{"Exception", "Error", "Fault"} {
			if short, ok := strings.CutSuffix(name, ending); ok && short != "" && !vague.MatchString(name) {
				both = append(both, short)
			}
		}
	}
	return both
}

// vague names say nothing but that a service refused: Lambda.AWSLambdaException, ECS.AmazonECSException, ClientException.
var vague = lazyregexp.New(`^(?:A(?:mazon|WS)\w+Exception|ClientError|ClientException|Exception|Error|RuntimeError|RuntimeException|TaskFailed|Runtime|Fault|AmazonServiceException|AwsServiceException|SdkServiceException|DynamoDbException|S3Exception|(?:Sfn|Ecs|Sqs|Sns|Lambda|Glue|Athena|Emr|SageMaker|Bedrock|Batch|EventBridge|SecretsManager|Ssm|Kms|Iam|Ec2|Rds|CloudFormation|CodeBuild|Organizations)(?:Runtime)?Exception|HTTPError|ValidationError|BadRequest|InvalidRequest\w*|Validation\w*)$`)

// ownWords keeps words of everyday exceptions from being read as an AWS service's:
// a function that says “must be at least 5” raised by itself.
func ownWords(c *diagnose.Cause, category diagnose.Category) bool {
	if c.Shape != diagnose.LambdaCause || c.Service != "" || c.Action != "" {
		return true
	}
	switch category {
	case diagnose.InvalidParameters, diagnose.ResourceNotFound, diagnose.Concurrency, diagnose.Quota, diagnose.ResourceAlreadyExists, diagnose.Configuration:
		return false
	}
	return true
}

// loose reports words that a function's own code says of something else than an
// AWS service's answer: “throttling valve”, “not authorized to perform refunds”.
func loose(c *diagnose.Cause, category diagnose.Category) bool {
	if c.Shape != diagnose.LambdaCause || c.Service != "" || c.Action != "" {
		return false
	}
	switch category {
	case diagnose.Throttling:
		return !throttledCall.MatchString(c.Message)
	case diagnose.Permission:
		return otherRight.MatchString(c.Message)
	}
	return false
}

var (
	throttledCall = lazyregexp.New(`(?i)too many requests|rate limit|429|Throttl(?:ed|ing)(?:Exception|Error)|(?:requests?|calls?|invocations?|api|client)\b.{0,40}\bthrottled|throttled by|(?:^|[:.(\['"“] ?|request |provisioned |sending |call |api )rate exceeded|request rate|too many tokens|throughput|requests? per (?:second|minute)`)
	otherRight    = lazyregexp.New(`(?i)is not authorized to perform [a-z]+ (?:on|for|of|in)?\b`)
)

// byWords lets a service's words correct what its exception name suggests: many
// services say ValidationException for what does not exist.
func byWords(c *diagnose.Cause, category diagnose.Category) signal {
	if c.Shape == diagnose.LambdaCause && c.Service == "" && c.Action == "" {
		if category == diagnose.Concurrency && thereAlready.MatchString(c.Message) {
			return signal{diagnose.ResourceAlreadyExists, true}
		}
		return signal{category, true}
	}
	better := func(to diagnose.Category) bool {
		for _, class := range classes {
			if class.category == to {
				return class.words.MatchString(c.Message)
			}
		}
		return false
	}
	switch category {
	case diagnose.InvalidParameters:
		for _, to := range []diagnose.Category{diagnose.PayloadSize, diagnose.Permission, diagnose.Quota, diagnose.Throttling, diagnose.ResourceAlreadyExists, diagnose.Configuration} {
			if better(to) {
				return signal{to, true}
			}
		}
		if better(diagnose.ResourceNotFound) && !absentMember.MatchString(c.Message) {
			return signal{diagnose.ResourceNotFound, true}
		}
		if better(diagnose.Concurrency) {
			return signal{diagnose.Concurrency, true}
		}
	case diagnose.Quota:
		if better(diagnose.Throttling) {
			return signal{diagnose.Throttling, true}
		}
	case diagnose.Throttling:
		if better(diagnose.Quota) && concurrentWork.MatchString(c.Message) {
			return signal{diagnose.Quota, true}
		}
	case diagnose.Concurrency:
		if better(diagnose.ResourceAlreadyExists) {
			return signal{diagnose.ResourceAlreadyExists, true}
		}
	case diagnose.ServiceError:
		if strings.HasPrefix(c.Error, "Lambda.") && !unknownHost.MatchString(c.Message) {
			break // Step Functions' own client: the way to Lambda is AWS's
		}
		for _, to := range []diagnose.Category{diagnose.Permission, diagnose.Network} {
			if better(to) {
				return signal{to, true}
			}
		}
	}
	return signal{category, true}
}

// thereAlready is how services end a conflict that is about a name in use.
var thereAlready = lazyregexp.New(`(?i)\balready exists\b`)

var (
	absentMember   = lazyregexp.New(`(?i)missing the key|required key|member must|attribute .{0,60}does not exist|document path|expression attribute|(?:parameter|field|element) .{0,40}(?:does not exist|not found)`)
	unknownHost    = lazyregexp.New(`(?i)UnknownHost|name or service not known|nodename nor servname|could not resolve|no such host|ENOTFOUND`)
	concurrentWork = lazyregexp.New(`(?i)concurrently|number of queries|queued|per day`)
)

// special are wordings that mislead when read word by word.
func special(c *diagnose.Cause) (signal, bool) {
	switch msg := c.Message; {
	case containsFold(msg, "TransactionCanceledException") || containsFold(msg, "Transaction cancelled"), exception(c.Type) == "TransactionCanceledException":
		if strings.Contains(msg, "ConditionalCheckFailed") && !strings.Contains(msg, "TransactionConflict") {
			return signal{diagnose.ResourceAlreadyExists, true}, true
		}
		return signal{diagnose.Concurrency, true}, true
	case c.Shape == diagnose.LambdaCause && c.Service == "" && c.Action == "" && ofDatabase(msg) != "":
		return signal{ofDatabase(msg), true}, true
	case invalidState.MatchString(exception(c.Type)) || invalidState.MatchString(exception(c.Error)) && c.Shape != diagnose.LambdaCause:
		return signal{diagnose.Concurrency, true}, true
	case paidFor.MatchString(msg) && containsFold(msg, "quota"):
		return signal{diagnose.Quota, true}, true
	case c.Shape == diagnose.LambdaCause && localDenied.MatchString(msg):
		return signal{}, true
	case outputBucket.MatchString(msg):
		return signal{diagnose.Permission, false}, true
	case containsFold(msg, "TaskDefinition is inactive") || inactiveRevision.MatchString(msg):
		return signal{diagnose.ResourceNotFound, true}, true
	case containsFold(msg, "RequestLimitExceeded") || containsFold(msg, "Request limit exceeded"):
		return signal{diagnose.Throttling, true}, true
	case exception(c.Type) == "LimitExceededException" && containsFold(msg, "rate exceeded"):
		return signal{diagnose.Throttling, true}, true
	case exception(c.Type) == "TimeoutError" && c.Shape == diagnose.LambdaCause && !containsFold(msg, "connect") && !containsFold(msg, "socket") && !containsFold(msg, "read"):
		return signal{}, true
	}
	return signal{}, false
}

// inactiveRevision is a deregistered revision of a definition.
var inactiveRevision = lazyregexp.New(`(?i)(?:job|task) ?definition \S{1,200} is (?:not (?:in (?:an? )?)?active|inactive|deregistered)`)

// invalidState are exceptions of resources that are not in the state a call needs.
var invalidState = lazyregexp.New(`(?i)^Invalid(?:\w*State|\w+Status)(?:Fault|Exception)?$`)

// databases are the words of database servers and their drivers, which every
// language hands on as they are.
var databases = []struct {
	category diagnose.Category
	words    *lazyregexp.Regexp
}{
	{diagnose.Permission, lazyregexp.New(`(?i)access denied for user|password authentication failed|no pg_hba\.conf entry|permission denied for (?:table|schema|relation|database|sequence)|login failed for user|ORA-01017|authentication failed`)},
	{diagnose.Quota, lazyregexp.New(`(?i)too many connections|remaining connection slots|max_user_connections|too many clients|connection pool (?:is )?(?:exhausted|timed out|limit)|QueuePool limit|ORA-12519|ORA-00020`)},
	{diagnose.ResourceAlreadyExists, lazyregexp.New(`(?i)duplicate entry '|duplicate key value violates|unique constraint (?:failed|violated)|violates unique constraint|E11000 duplicate key|Violation of (?:PRIMARY|UNIQUE) KEY|ORA-00001`)},
	{diagnose.ResourceNotFound, lazyregexp.New(`(?i)relation "[\w.]+" does not exist|unknown (?:database|column|table) '|table '[\w.]+' doesn't exist|no such (?:table|column): |invalid object name '|ORA-00942|column "[\w.]+" does not exist|database "[\w-]+" does not exist`)},
	{diagnose.Concurrency, lazyregexp.New(`(?i)deadlock (?:found|detected)|lock wait timeout exceeded|could not serialize access|could not obtain lock|WriteConflict|database is locked|was deadlocked|ORA-00060|serialization failure`)},
	{diagnose.Network, lazyregexp.New(`(?i)server has gone away|lost connection to mysql|SSL SYSCALL error|server closed the connection unexpectedly|timeout exceeded when trying to connect|terminating connection due to|connection to server .{1,80} failed`)},
}

// ofDatabase is what a database server's words mean; "" where there are none.
func ofDatabase(msg string) diagnose.Category {
	for _, d := range databases {
		if d.words.MatchString(msg) {
			return d.category
		}
	}
	return ""
}

func containsFold(s, part string) bool {
	return strings.Contains(strings.ToLower(s), strings.ToLower(part))
}

func byStatus(status int) signal {
	switch {
	case status == 401 || status == 403:
		return signal{diagnose.Permission, false}
	case status == 404 || status == 410:
		return signal{diagnose.ResourceNotFound, false}
	case status == 409:
		return signal{diagnose.Concurrency, false}
	case status == 413:
		return signal{diagnose.PayloadSize, false}
	case status == 429:
		return signal{diagnose.Throttling, true}
	case status >= 500:
		return signal{diagnose.ServiceError, false}
	case status >= 400:
		return signal{diagnose.InvalidParameters, false}
	}
	return signal{}
}

// signal is what the root of f says; none while a definition is refused, where
// the words are about fields and not about a service.
func (f *facts) signal() signal { return f.once.signal() }

func (f *facts) readSignal() signal {
	if f.refused() || f.err == "" && f.msg == "" {
		return signal{}
	}
	if f.reportsJob() || f.ownFail() || f.stepFunctions() || f.modelTrouble() || f.tokenIsDead() {
		return signal{}
	}
	if f.upstream() != 0 {
		return signal{}
	}
	s := signalOf(f.root)
	if f.err == "States.Runtime" && (f.dataFault() || !slices.Contains(ofRuntime, s.category)) {
		return signal{} // the words are about data
	}
	return s
}

// ofRuntime are the categories that a States.Runtime can have by its words.
var ofRuntime = []diagnose.Category{diagnose.Permission, diagnose.Quota, diagnose.PayloadSize, diagnose.ResourceNotFound}

// stepFunctions reports that the error is one of Step Functions' own, about data and flow and not of a service.
func (f *facts) stepFunctions() bool {
	name := f.err
	if !strings.HasPrefix(name, "States.") {
		return false
	}
	switch name {
	case "States.TaskFailed", "States.Permissions", "States.Runtime", "States.ItemReaderFailed", "States.ResultWriterFailed":
		return false
	}
	return true
}

// confidence of a finding that rests on the signal alone.
func (s signal) confidence() diagnose.Confidence {
	if s.sure {
		return diagnose.Likely
	}
	return diagnose.Hypothesis
}
