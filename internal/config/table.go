package config

// Variable is one environment variable, as documented to people.
type Variable struct {
	Name    string
	Default string // what holds if it is unset; empty if there is none
	Meaning string
	Worker  bool // the worker reads it
	Starter bool // every command of the starter reads it
	Serve   bool // starter serve reads it too
	Codec   bool // starter codec reads it too
	// Standard variables are read by Temporal's or Amazon's own libraries, by their own rules.
	Standard bool

	// Secret values are never shown; Shown hides them.
	Secret bool

	set    func(*Config, string) error
	preset bool // Default is a value, not a description of one
	path   bool // the value is a file with a secret in it, or, pasted by mistake, the secret itself
}

// Table lists every variable, in the order in which people need them.
func Table() []Variable {
	return []Variable{
		{Name: "STRIPE_API_KEY", Worker: true, Serve: true, Secret: true, set: setStripeKey,
			Meaning: "Stripe's secret or restricted key of the platform (sk_… or rk_…); the worker and starter serve " +
				"need it, or STRIPE_API_KEY_FILE, and so do starter platform and doctor"},
		{Name: "STRIPE_API_KEY_FILE", Worker: true, Serve: true, path: true, set: setStripeKeyFile,
			Meaning: "file that holds the key, such as a mounted secret"},
		{Name: "STRIPE_API_BASE", Default: stripeAPIBase, Worker: true, Starter: true, preset: true, set: setAPIBase,
			Meaning: "address of Stripe's API, or of an emulator"},
		{Name: "STRIPE_FILES_BASE", Default: stripeFilesBase + ", or STRIPE_API_BASE where that is set", Worker: true,
			set:     setFilesBase,
			Meaning: "address of Stripe's Files API"},
		{Name: "VITRINE_STRIPE_VERSION", Default: "2025-09-30.clover;udap_beta=v1", Worker: true, preset: true,
			set:     setStripeVersion,
			Meaning: "Stripe-Version of the Data Management API, a preview"},
		{Name: "VITRINE_STRIPE_V2_VERSION", Default: "2026-06-24.dahlia", Worker: true, preset: true,
			set:     setStripeV2Version,
			Meaning: "Stripe-Version of the Product Catalog Import API"},
		{Name: "VITRINE_STRIPE_ORDERS_VERSION", Default: "2025-12-15.preview", Worker: true, Serve: true, preset: true,
			set:     setStripeOrdersVersion,
			Meaning: "Stripe-Version for orders, a preview: it has the products' ids and the agents"},
		{Name: "VITRINE_STRIPE_AGREEMENTS_VERSION", Default: "2026-05-27.preview", Starter: true, preset: true,
			set:     setStripeAgreementsVersion,
			Meaning: "Stripe-Version for accounts' agreements with agents, a preview"},
		{Name: "VITRINE_STRIPE_EMBEDDED_VERSION", Default: "2026-06-24.preview; embedded_connect_beta=v2", Serve: true,
			preset: true, set: setStripeEmbeddedVersion,
			Meaning: "Stripe-Version for account sessions, a preview: it has the settings of agentic commerce as an " +
				"embedded component"},
		{Name: "VITRINE_STRIPE_RATE", Default: "20", Worker: true, preset: true, set: setStripeRate,
			Meaning: "activities a second that call Stripe, for all workers together (the Temporal server counts): " +
				"half are for orders, half for catalogs and sweeps"},
		{Name: "VITRINE_STRIPE_CONCURRENCY", Default: "16", Worker: true, preset: true, set: setStripeConcurrency,
			Meaning: "activities that call Stripe which one worker runs at once, for orders, and as many for " +
				"catalogs and sweeps"},

		{Name: "VITRINE_SOURCE_BUCKET", Worker: true, Starter: true, set: setSourceBucket,
			Meaning: "S3 bucket that the catalogs are exported to; required"},
		{Name: "VITRINE_SOURCE_KEY", Default: "catalogs/{account}/{feed}.csv", Worker: true, Starter: true,
			preset: true, set: setSourceKey,
			Meaning: "key of a catalog in it: {account} and {feed} are filled in; the ending (.csv or .tsv, with or " +
				"without .gz) says what it holds"},
		{Name: "VITRINE_STATE_BUCKET", Default: "VITRINE_SOURCE_BUCKET", Worker: true, Starter: true,
			set:     setStateBucket,
			Meaning: "S3 bucket that Vitrine keeps settings, state, parts and reports in"},
		{Name: "VITRINE_STATE_PREFIX", Default: "state/", Worker: true, Starter: true, preset: true,
			set:     setStatePrefix,
			Meaning: "what the keys of state, parts and reports begin with"},
		{Name: "VITRINE_S3_PATH_STYLE",
			Default: "true if AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL is set, otherwise false", Worker: true,
			Starter: true, set: setPathStyle,
			Meaning: "address buckets as http://host/bucket instead of http://bucket.host, as most S3 servers other " +
				"than Amazon's want it"},
		{Name: "VITRINE_STORAGE_CONCURRENCY", Default: "16", Worker: true, preset: true, set: setStorageConcurrency,
			Meaning: "activities that read and write S3 which one worker runs at once; each holds some 15 MB, and " +
				"what is remembered of each row of its catalog"},

		{Name: "VITRINE_IMPORT_INTERVAL", Default: "15m", Worker: true, Starter: true, preset: true, set: setInterval,
			Meaning: "shortest time between two imports of a catalog; Stripe takes none below 15m, an emulator " +
				"(STRIPE_API_BASE) may"},
		{Name: "VITRINE_IMPORT_DEADLINE", Default: "2h", Worker: true, preset: true, set: setDeadline,
			Meaning: "longest time that Stripe may take for an import before the run fails"},
		{Name: "VITRINE_MAX_PART_BYTES", Default: "the import API's own limit: 200000000 (v1), 4000000000 (v2)",
			Worker: true, Starter: true, set: setMaxPartBytes,
			Meaning: "largest file to send to Stripe, where that is less than the import API takes"},
		{Name: "VITRINE_MAX_SOURCE_BYTES", Default: "4000000000", Worker: true, Starter: true, preset: true,
			set:     setMaxSourceBytes,
			Meaning: "largest source to read, after decompression; stops zip bombs"},

		{Name: "VITRINE_STRIPE_IMPORT_API", Default: "v1", Worker: true, Starter: true, preset: true,
			set: setRule("import_api"),
			Meaning: "import API of Stripe's to send by: v1 (Data Management, a private preview) or v2 (Product " +
				"Catalog Import); this and the next thirteen hold for accounts that have no rule of their own"},
		{Name: "VITRINE_DIALECT", Default: "stripe", Worker: true, Starter: true, preset: true, set: setRule("dialect"),
			Meaning: "how sources are written: stripe (the feed specification) or google (Google Merchant Center)"},
		{Name: "VITRINE_QUOTES", Default: "auto", Worker: true, Starter: true, preset: true, set: setRule("quotes"),
			Meaning: "what double quotes mean in sources: auto (the file's own rows tell), rfc4180 (they enclose a " +
				"value, and are doubled within it), literal (ordinary text, as in many TSV files) or backslash " +
				"(escaped by one)"},
		{Name: "VITRINE_INVALID_ROWS", Default: "hold_back", Worker: true, Starter: true, preset: true,
			set: setRule("invalid_rows"),
			Meaning: "what becomes of rows that Stripe would refuse: hold_back (reported, the rest is sent) or send " +
				"(Stripe decides)"},
		{Name: "VITRINE_UNKNOWN_COLUMNS", Default: "send", Worker: true, Starter: true, preset: true,
			set:     setRule("unknown_columns"),
			Meaning: "what becomes of columns that Stripe does not document: send or drop"},
		{Name: "VITRINE_SOURCE", Default: "whole", Worker: true, Starter: true, preset: true, set: setRule("source"),
			Meaning: "what a source is: whole (what is not in it is deleted) or changes (what is not in it stays, " +
				"and delete=true deletes)"},
		{Name: "VITRINE_FULL_SEND_EVERY", Default: "168h", Worker: true, Starter: true, preset: true,
			set:     setRule("full_send_every"),
			Meaning: "time after which every row is sent again, changed or not, at least 1h"},
		{Name: "VITRINE_HEAL", Default: "resend", Worker: true, Starter: true, preset: true, set: setRule("heal"),
			Meaning: "what becomes of drift that an audit finds (starter drift): report (nothing), resend (what " +
				"Stripe lacks or has otherwise is sent again) or resend_and_delete (what it alone has is deleted, " +
				"too, through the guards)"},
		{Name: "VITRINE_MAX_SHRINK", Default: "20, or 50 rows if they are less than 90 %", Worker: true, Starter: true,
			set: setRule("max_shrink"),
			Meaning: "percentage of the accepted rows that may vanish, or share an id with a row that says something " +
				"else, before a run is held for a person (starter approve); a percentage that is set binds however " +
				"small the catalog is; 100 never holds"},
		{Name: "VITRINE_MAX_INVALID", Default: "50", Worker: true, Starter: true, preset: true,
			set:     setRule("max_invalid"),
			Meaning: "percentage of the rows that may have errors before a run is held"},
		{Name: "VITRINE_MAX_PRICE_MOVES", Default: "20", Worker: true, Starter: true, preset: true,
			set: setRule("max_price_moves"),
			Meaning: "percentage of the prices, as buyers pay them, that may move by more than VITRINE_PRICE_MOVE " +
				"before a run is held"},
		{Name: "VITRINE_PRICE_MOVE", Default: "60", Worker: true, Starter: true, preset: true,
			set:     setRule("price_move"),
			Meaning: "percentage by which a price must change to count as moved; may be above 100"},
		{Name: "VITRINE_MAX_CURRENCY_FLIPS", Default: "1", Worker: true, Starter: true, preset: true,
			set:     setRule("max_currency_flips"),
			Meaning: "percentage of the prices that may change their currency before a run is held"},
		{Name: "VITRINE_MAX_FREE", Default: "1, or 2 rows", Worker: true, Starter: true, set: setRule("max_free"),
			Meaning: "percentage of the rows that may come to cost nothing before a run is held; a percentage that " +
				"is set binds however small the catalog is"},
		{Name: "VITRINE_CANARY_RULES", Worker: true, Starter: true, set: setCanaryRules,
			Meaning: "rules that some accounts try before all do, as in their settings and with commas between them, " +
				"such as import_api=v2,max_invalid=10; starter fleet status compares what is refused"},
		{Name: "VITRINE_CANARY_SHARE", Worker: true, Starter: true, set: setCanaryShare,
			Meaning: "percentage of the accounts that try them; who is among them stays among them as it grows"},
		{Name: "VITRINE_CANARY_ACCOUNTS", Worker: true, Starter: true, set: setCanaryAccounts,
			Meaning: "accounts that try them besides, with commas between them"},

		{Name: "VITRINE_MERCHANT_SECRETS", Worker: true, Serve: true, set: setMerchantSecrets,
			Meaning: "folder of files with the secrets that merchants' endpoints are called with (secret_file in an " +
				"account's settings for orders)"},
		{Name: "VITRINE_ALLOW_PRIVATE_ENDPOINTS", Default: "false", Worker: true, Serve: true, preset: true,
			set:     setAllowPrivate,
			Meaning: "let merchants' endpoints be in private networks, and plain http; for sandboxes"},
		{Name: "VITRINE_MERCHANT_CONCURRENCY", Default: "64", Worker: true, preset: true, set: setMerchantConcurrency,
			Meaning: "activities that wait for merchants' endpoints and mail servers which one worker runs at once"},
		{Name: "VITRINE_SMTP_URL", Worker: true, Secret: true, set: setSMTP,
			Meaning: "mail server that buyers are written to by: smtp://user:password@host:587, smtps://…, or " +
				"smtp://host:port?tls=none for a mail catcher; unset: no mail"},
		{Name: "VITRINE_SMTP_URL_FILE", Worker: true, path: true, set: setSMTPFile,
			Meaning: "file that holds it, such as a mounted secret"},
		{Name: "VITRINE_MAIL_TEMPLATES", Worker: true, set: setMailTemplates,
			Meaning: "folder of mail templates instead of Vitrine's own"},
		{Name: "VITRINE_REPORTS_FROM", Worker: true, set: setReportsFrom,
			Meaning: "whom reports to merchants are from, such as Acme <catalogs@acme.example>; they are mailed to " +
				"accounts whose settings name an address (report_to), with VITRINE_SMTP_URL; unset: none is"},

		{Name: "VITRINE_NEWS_URL", Worker: true, Secret: true, set: setNewsURL,
			Meaning: "https address that news of accounts is posted to, such as of a sync that is held; unset: of " +
				"accounts with an endpoint of their own alone (news_url)"},
		{Name: "VITRINE_NEWS_SECRETS", Worker: true, Secret: true, set: setNewsSecrets,
			Meaning: "secrets (whsec_ and base64) that news is signed with by the scheme of Standard Webhooks, " +
				"with commas between them: one, and the next one as well while it replaces that"},
		{Name: "VITRINE_NEWS_SECRETS_FILE", Worker: true, path: true, set: setNewsSecretsFile,
			Meaning: "file that holds those secrets, one a line; all of them sign if both are set"},
		{Name: "VITRINE_NEWS_TYPES", Default: "all", Worker: true, set: setNewsTypes,
			Meaning: "which news is told, with commas between the types: catalog.synced, catalog.held, " +
				"catalog.failed, catalog.stale, order.held, account.parked"},
		{Name: "VITRINE_STALE_AFTER", Default: "1h", Worker: true, preset: true, set: setStaleAfter,
			Meaning: "how long Stripe may lack what a merchant wrote, without a reason, before that is news " +
				"(catalog.stale)"},

		{Name: "VITRINE_WEBHOOK_LISTEN", Default: ":8080", Serve: true, preset: true, set: setWebhookListen,
			Meaning: "address on which starter serve takes Stripe's webhooks and merchants' requests"},
		{Name: "VITRINE_WEBHOOK_SECRETS", Serve: true, Secret: true, set: setWebhookSecrets,
			Meaning: "signing secrets (whsec_…) of the webhook endpoints, separated by commas: one per endpoint, and " +
				"the old one as well while it is rolled; starter serve needs it, or VITRINE_WEBHOOK_SECRETS_FILE"},
		{Name: "VITRINE_WEBHOOK_SECRETS_FILE", Serve: true, path: true, set: setWebhookSecretsFile,
			Meaning: "file that holds them, one per line"},
		{Name: "VITRINE_API_TOKEN", Serve: true, Secret: true, set: setAPIToken,
			Meaning: "bearer token that opens the whole API of starter serve, for every account, at least 20 " +
				"characters; without a token there is no API"},
		{Name: "VITRINE_API_TOKEN_FILE", Serve: true, path: true, set: setAPITokenFile,
			Meaning: "file that holds the token"},
		{Name: "VITRINE_API_TOKENS", Serve: true, Secret: true, set: setAPITokens,
			Meaning: "more tokens, with commas between them, each as NAME SCOPE TOKEN or NAME SCOPE TOKEN ACCOUNT: " +
				"the scope is read or operate, and with an account the token opens nothing of another"},
		{Name: "VITRINE_API_TOKENS_FILE", Serve: true, path: true, set: setAPITokensFile,
			Meaning: "file that holds such tokens, one a line; lines that begin with # say nothing"},

		{Name: "VITRINE_HOOK_SECRETS", Serve: true, Secret: true, set: setHookSecrets,
			Meaning: "signing secrets (whsec_…) of Stripe's Agentic Commerce endpoint, with commas between them: the " +
				"old one and the new one while it is rolled"},
		{Name: "VITRINE_HOOK_SECRETS_FILE", Serve: true, path: true, set: setHookSecretsFile,
			Meaning: "file that holds those secrets, one a line; both are used if both are set"},
		{Name: "VITRINE_HOOK_FALLBACK", Default: FallbackApprove, Serve: true, preset: true, set: setHookFallback,
			Meaning: "approve or decline: what a checkout is answered when nothing is known of its account's " +
				"assortment, or of its settings, and so of the platform's fee"},
		{Name: "VITRINE_HOOK_CACHE_BYTES", Default: "268435456", Serve: true, preset: true, set: setHookCacheBytes,
			Meaning: "memory for assortments; about 90 bytes a product, and an account whose file is larger is " +
				"not known"},

		{Name: "VITRINE_LISTEN", Default: workerListen + "; starter serve: " + serveListen, Worker: true, Serve: true,
			set: setListen,
			Meaning: "address on which the worker, or starter serve, answers /livez, /readyz and /metrics; not for " +
				"the internet"},
		{Name: "VITRINE_SHUTDOWN_TIMEOUT", Default: "25s", Worker: true, Serve: true, preset: true,
			set: setShutdownTimeout,
			Meaning: "time that running activities, or requests, get to end after SIGTERM; give the process 10s more " +
				"before it is killed"},
		{Name: "VITRINE_DEPLOYMENT", Worker: true, set: setDeployment,
			Meaning: "Temporal Worker Deployment that the worker is a version of, such as vitrine: which version " +
				"gets work is then for 'starter deployment' to say; unset: the worker is not versioned"},
		{Name: "VITRINE_BUILD_ID", Default: "the version that worker --version names", Worker: true, set: setBuildID,
			Meaning: "which version of VITRINE_DEPLOYMENT it is; never the same for two that differ"},
		{Name: "VITRINE_LOG_LEVEL", Default: "info", Worker: true, Starter: true, preset: true, set: setLogLevel,
			Meaning: "debug, info, warn or error"},
		{Name: "VITRINE_LOG_FORMAT", Default: FormatText, Worker: true, Starter: true, preset: true, set: setLogFormat,
			Meaning: "text or json"},

		{Name: "OTEL_TRACES_EXPORTER", Default: "none", Worker: true, Serve: true, preset: true, set: setTraces,
			Meaning: "otlp sends traces by OTLP over HTTP; none sends nothing; OpenTelemetry's other variables, such " +
				"as OTEL_RESOURCE_ATTRIBUTES and OTEL_BSP_SCHEDULE_DELAY, mean what they mean everywhere"},
		{Name: "OTEL_EXPORTER_OTLP_ENDPOINT", Default: "http://localhost:4318", Worker: true, Serve: true,
			Standard: true,
			Meaning:  "where they are sent, without /v1/traces"},
		{Name: "OTEL_EXPORTER_OTLP_HEADERS", Worker: true, Serve: true, Standard: true, Secret: true,
			Meaning: "headers to send with them, such as a token's: name=value, with commas between them"},
		{Name: "OTEL_TRACES_SAMPLER", Default: "parentbased_always_on", Worker: true, Serve: true, Standard: true,
			Meaning: "which are sent, such as parentbased_traceidratio"},
		{Name: "OTEL_TRACES_SAMPLER_ARG", Worker: true, Serve: true, Standard: true,
			Meaning: "its argument, such as 0.05 for a twentieth"},

		{Name: "TEMPORAL_ADDRESS", Default: "localhost:7233", Worker: true, Starter: true, Standard: true,
			Meaning: "address of the Temporal server"},
		{Name: "TEMPORAL_NAMESPACE", Default: "default", Worker: true, Starter: true, Standard: true,
			Meaning: "namespace in Temporal"},
		{Name: "TEMPORAL_API_KEY", Worker: true, Starter: true, Standard: true, Secret: true,
			Meaning: "API key of Temporal Cloud; turns TLS on"},
		{Name: "TEMPORAL_TLS", Worker: true, Starter: true, Standard: true,
			Meaning: "true or false; certificates by TEMPORAL_TLS_CLIENT_CERT_PATH, TEMPORAL_TLS_CLIENT_KEY_PATH, " +
				"TEMPORAL_TLS_SERVER_CA_CERT_PATH and TEMPORAL_TLS_SERVER_NAME"},
		{Name: "TEMPORAL_PROFILE", Default: "default", Worker: true, Starter: true, Standard: true,
			Meaning: "profile in the file that the temporal CLI keeps too"},
		{Name: "TEMPORAL_CONFIG_FILE", Worker: true, Starter: true, Standard: true,
			Meaning: "that file; default: temporalio/temporal.toml in the user's configuration folder"},

		{Name: "VITRINE_PAYLOAD_KEYS_FILE", Worker: true, Starter: true, path: true, set: setPayloadKeysFile,
			Meaning: "file with the keys that Temporal's payloads are encrypted with (AES-256-GCM), one a line, each " +
				"as ID KEY, the key as openssl rand -base64 32 prints it: the first one writes, all of them read; " +
				"the same for all processes; unset: payloads are in clear text"},
		{Name: "VITRINE_CODEC_LISTEN", Default: "127.0.0.1:8089", Codec: true, preset: true, set: setCodecListen,
			Meaning: "address on which starter codec decrypts payloads for Temporal's Web UI and CLI; elsewhere than " +
				"on this machine it needs something that speaks TLS before it"},
		{Name: "VITRINE_CODEC_ORIGINS", Codec: true, set: setCodecOrigins,
			Meaning: "origins of the Web UIs that may ask it, such as https://temporal.example.com, with commas " +
				"between them"},
		{Name: "VITRINE_CODEC_TOKENS_FILE", Codec: true, path: true, set: setCodecTokensFile,
			Meaning: "file with the tokens that open it, one a line, each as NAME SCOPE TOKEN: the scope is read " +
				"(decrypt) or operate (encrypt, too); starter codec needs it"},

		{Name: "AWS_REGION", Default: "us-east-1 if AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL is set", Worker: true,
			Starter: true, Standard: true,
			Meaning: "region of the buckets"},
		{Name: "AWS_ACCESS_KEY_ID", Worker: true, Starter: true, Standard: true, Secret: true,
			Meaning: "with AWS_SECRET_ACCESS_KEY; AWS_PROFILE, roles and the like work as with every AWS tool"},
		{Name: "AWS_SECRET_ACCESS_KEY", Worker: true, Starter: true, Standard: true, Secret: true,
			Meaning: "the secret of AWS_ACCESS_KEY_ID"},
		{Name: "AWS_ENDPOINT_URL_S3", Worker: true, Starter: true, Standard: true,
			Meaning: "address of an S3 server other than Amazon's"},
	}
}
