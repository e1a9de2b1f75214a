//! Names of products, libraries and platforms that begin the names of their metrics, and words of calls to them.
//!
//! A list cannot be complete; what is not on it is taken for the word of an unknown author.

use super::words::{Words, words};
use crate::checks::subject::Subject;

/// Servers, brokers, proxies and platforms: a family that begins so is theirs, not that of a service of
/// another name.
pub(crate) const PRODUCTS: Words = Words(
    "activemq aerospike airflow alertmanager apisix apiserver argo argocd arangodb artemis artifactory bind \
     bird caddy calico cassandra ceph cert certmanager cilium clickhouse cockroachdb confluent consul coredns \
     couchbase couchdb crio cri dapr docker dragonfly druid elastic elasticsearch emqx engine envoy es etcd \
     falco felix fluentbit fluentd flux gatekeeper gitaly gitea gitlab grafana harbor haproxy hazelcast hdfs \
     hive hubble ignite influxdb ingress istio istiod jaeger jenkins kafka karpenter keda keycloak kibana kong \
     kube kubelet kubernetes kyverno lighttpd linkerd logstash loki longhorn mariadb memcached milvus mimir \
     minio mongo mongodb mongos mssql mysql nats neo4j nexus nginx nginxexporter nomad opensearch openvpn \
     oracledb otelcol patroni percona pg pgbouncer php_fpm phpfpm pomerium postgres postgresql presto \
     prometheus promtail proxysql pulsar qdrant questdb rabbitmq redis redpanda registry rook scylla seaweedfs \
     sentinel solr sonarqube spark spire squid strimzi tempo temporal thanos tidb tikv traefik trino typesense \
     unbound valkey varnish vault vector velero vitess vm vmagent vmalert weaviate wireguard yugabyte \
     zabbix zeebe zipkin zookeeper",
);

/// Programs that run beside a service and answer for themselves, whatever share of a scrape is theirs.
pub(crate) const SIDECARS: Words = Words(
    "apache caddy cloudflared envoy haproxy istio linkerd dapr kube pgbouncer prometheus promhttp otelcol \
     fluentbit fluentd promtail vector jmx nginx nginxexporter phpfpm statsd telegraf temporal traefik vault vm \
     cadvisor oauth2",
);

/// First words of families that belong to nobody in particular: protocols, frameworks and roles.
pub(crate) const GENERIC: Words = Words(
    "action actix akka alive api app application available aspnetcore axum batch build buildinfo celery component \
     connect controller cowboy database databases db django dotnet echo endpoint exceptions express falcon \
     fastapi fastify fiber flask gin gorilla graphql grpc gunicorn hanami health healthy hono http httpcore https \
     hystrix incoming info information instance inbound job jobs kestrel koa ktor laravel main message messages \
     messaging micronaut microsoft microservice my nestjs netty phoenix play plug process program puma quarkus \
     queue rack rails ready release request requests resilience4j response responses rest rocket rpc ruby server \
     service servlet sidekiq sinatra soap spring sql starlette static status symfony system target task tasks \
     tomcat tonic tower traces transaction udp undertow up uwsgi version vertx warp web websocket worker workers \
     ws yabeda",
);

/// What a product's metrics begin with where its services are called otherwise: product, then the services.
const COMPONENTS: &[(&str, Words)] = &[
    (
        "kubernetes",
        Words(
            "apiserver apiservers kubelet kube scheduler kube_scheduler controller_manager k8s \
             kubernetes cloud_controller_manager",
        ),
    ),
    (
        "apiserver",
        Words("kube_apiserver kubernetes_apiserver kubernetes_apiservers kubernetes"),
    ),
    ("istio", Words("pilot istiod citadel galley mixer")),
    ("pilot", Words("istiod istio")),
    ("citadel", Words("istiod istio")),
    ("pg", Words("postgres postgresql psql")),
    ("es", Words("elasticsearch elastic")),
    ("engine", Words("docker dockerd moby")),
    ("otelcol", Words("otel opentelemetry collector")),
    ("felix", Words("calico")),
    ("hubble", Words("cilium")),
    (
        "vm",
        Words("victoriametrics victoria vmagent vmsingle vmselect"),
    ),
    ("mongodb", Words("mongo mongod")),
    ("mysql", Words("mariadb mysqld percona")),
    ("crio", Words("cri")),
];

/// Whether metrics that begin with `product` are those of a service called `name` (both in snake_case).
pub(crate) fn is_component(product: &str, name: &str) -> bool {
    COMPONENTS.iter().any(|(known, services)| {
        let called = |service: &str| {
            name == service
                || name
                    .strip_prefix(service)
                    .is_some_and(|rest| rest.starts_with('_'))
                || name
                    .strip_suffix(service)
                    .is_some_and(|rest| rest.ends_with('_'))
        };
        *known == product && services.0.split_ascii_whitespace().any(called)
    })
}

/// Languages and their runtimes: what is called after one is its own, at any depth of prefix.
pub(crate) const RUNTIMES: Words = Words(
    "beam bun ccl clr cpython deno dotnet elixir erlang erts ghc go golang graalvm haskell hhvm java jre jvm \
     julia kotlin libc lua luajit mono netcore nodejs ocaml openjdk perl php pypy python \
     raku ruby rust rustc sbcl scala swift tcl v8 zend",
);

/// Libraries and tools that expose their own version.
pub(crate) const LIBRARIES: Words = Words(
    "exporter ffmpeg flask geoip gunicorn hikaricp icu jersey jetty jmx librdkafka log4j log4j2 logback maxmind \
     micrometer netty openssl opentelemetry otel prom promhttp puma sdk sidekiq sqlite tomcat tzdata undertow unicorn \
     uvicorn uwsgi",
);

/// What a service calls rather than serves: databases, brokers, caches, clouds, identity providers, APIs of
/// others. About calls made, wherever it follows the service's name.
pub(crate) const BACKENDS: Words = Words(
    "activemq airtable amqp anthropic apns auth0 aws azure backblaze bedrock bigquery bigtable braintree \
     cassandra chargebee clickhouse cloudflare cloudfront cloudwatch cockroach cockroachdb cognito consul \
     cosmosdb couchbase couchdb datadog dns docker dynamo dynamodb ec2 elastic elasticache \
     elasticsearch etcd fcm firebase firestore gcp gcs gemini github gitlab gmail hikari hikaricp hubspot iam \
     influxdb intercom jdbc jira jpa jedis k8s kafka keycloak kinesis kms kube kubernetes launchdarkly ldap \
     lettuce llm mailchimp mailgun mariadb memcache memcached minio mongo mongodb mssql mysql nats neo4j oauth2 \
     oidc okta openai opensearch oracle paypal pg pgx plaid postgres postgresql pubsub rabbitmq recaptcha redis \
     redisson route53 s3 salesforce saml segment sendgrid sentry ses slack smtp snowflake sns solr spanner sql \
     sqlite sqs ssm stripe sts telegram twilio valkey zendesk zookeeper",
);

/// Of those, what a product may serve itself: minio answers S3, a directory LDAP, a resolver DNS.
pub(crate) const PROTOCOLS: Words = Words("amqp dns ldap oauth2 oidc s3 saml smtp sql");

/// Brokers: what a service's name ends with for that service to be one.
pub(crate) const BROKERS: Words = Words(
    "activemq artemis automq broker brokers emqx hivemq kafka mosquitto nats nsqd pulsar rabbitmq redpanda rocketmq \
     vernemq",
);

/// What products answer whose clients are those of another: its name, then the products.
const SPEAKERS: &[(&str, Words)] = &[
    ("cassandra", Words("scylla scylladb")),
    ("elasticsearch", Words("opensearch")),
    ("kafka", Words("automq redpanda warpstream")),
    (
        "llm",
        Words("ai gateway inference litellm llm ollama router tgi vllm"),
    ),
    ("memcached", Words("mcrouter twemproxy")),
    ("mongodb", Words("ferretdb")),
    (
        "mysql",
        Words("mariadb percona proxysql tidb vitess vtgate"),
    ),
    (
        "postgres",
        Words("cockroach cockroachdb pgbouncer pgcat timescaledb yugabyte yugabytedb"),
    ),
    ("redis", Words("dragonfly garnet keydb kvrocks valkey")),
];

/// Whether a service (in snake_case) is a product that answers the clients of `backend`.
pub(crate) fn speaks(name: &str, backend: &str) -> bool {
    SPEAKERS
        .iter()
        .any(|(spoken, products)| *spoken == backend && products.any(words(name)))
}

/// What a service is called that passes on the requests which it answers.
const FRONTS: Words =
    Words("apigateway balancer bff edge gateway gw ingress lb loadbalancer mesh proxy router");

/// Whether a service passes requests on, by its name: to whom it did says nothing against having answered them.
pub(crate) fn is_front(subject: &Subject) -> bool {
    let mut names = subject.names().iter();
    names.any(|name| FRONTS.any(words(name)))
}

/// Words that mark a family as about calls made to others.
pub(crate) const OUTBOUND: Words = Words(
    "breaker bulkhead circuitbreaker client clients delegated dependencies dependency egress external outbound \
     outgoing partner produced producer provider publish published publisher remote thirdparty upstream upstreams \
     vendor",
);

/// Libraries whose families are about calls made.
pub(crate) const CLIENT_LIBRARIES: Words = Words(
    "activerecord asyncpg axios boto botocore dapper doctrine ecto efcore eloquent entityframeworkcore feign gorm \
     hibernate hikaricp httpclient httpx hystrix ioredis jdbc jedis jooq knex lettuce mongoose mybatis okhttp polly \
     prisma psycopg r2dbc redisson resilience4j resttemplate retrofit sequelize sqlalchemy sqlx typeorm urllib3 \
     webclient",
);

/// How the families of client libraries begin whose product a service may also be called after.
pub(crate) const CLIENTS: &[&[&str]] = &[
    &["kafka", "admin"],
    &["kafka", "consumer"],
    &["kafka", "producer"],
    &["kafka", "stream"],
    &["mongodb", "driver"],
    &["temporal", "long"],
    &["temporal", "request"],
];

/// Programs whose work is to send, told by the last word of a service's name.
pub(crate) const SENDERS: Words = Words(
    "dispatcher email emailer mail mailer messaging messenger notification notifications notifier push sender sms \
     webhook webhooks",
);
