//! Asking a service, by whoever we are.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;

use super::access::Access;
use super::credentials::Credentials;
use super::endpoint::{Service, check_region};
use super::environment::Environment;
use super::profile::Profiles;
use super::query::{Action, Place, ask};
use super::sources::{Asking, InstanceMetadata, Source, profile_name, source};
use crate::document::secret::SecretSource;
use crate::http_client::settings::{Auth, FollowRedirects, HttpConfig};
use crate::http_client::{DialPolicy, HttpClient, Prepared, Reach, SharedClient};

/// How long what is near may take: it answers at once, or is not there.
const NEAR_DEADLINE: Duration = Duration::from_secs(5);

/// Who asks AWS, again and again.
pub(crate) struct Aws {
    access: Access,
    environment: Environment,
    http: SharedClient,
    near: SharedClient,
    held: Mutex<Held>,
}

/// What is held from one time to the next.
#[derive(Default)]
struct Held {
    /// With where they were had: other files may say another place.
    credentials: Option<(Source, Credentials)>,
    /// The instance's.
    region: Option<String>,
}

/// One visit: what is asked, where, and by whom.
pub(crate) struct Visit<'a> {
    aws: &'a Aws,
    http: Arc<Prepared>,
    place: Place,
    credentials: Credentials,
}

/// What files and environment say.
struct Found {
    region: Option<String>,
    source: Source,
    profiles: Profiles,
}

impl Aws {
    /// `deadline` is of each request.
    pub(crate) fn new(access: Access, deadline: Duration) -> Self {
        Self::in_environment(access, deadline, Environment::of_process())
    }

    pub(super) fn in_environment(
        access: Access,
        deadline: Duration,
        environment: Environment,
    ) -> Self {
        let client =
            |http| HttpClient::new(Arc::new(http), Reach::unlimited(), DialPolicy::default());
        let mut http = HttpConfig {
            auth: Auth::None,
            ..HttpConfig::clone(&access.http)
        };
        if http.tls.ca.is_none() {
            let bundle = environment.get("AWS_CA_BUNDLE");
            http.tls.ca = bundle.map(|path| SecretSource::File(PathBuf::from(path)));
        }
        let near = HttpConfig {
            follow_redirects: FollowRedirects(false),
            ..HttpConfig::default()
        };
        Self {
            http: SharedClient::new(client(http), deadline),
            near: SharedClient::new(client(near), deadline.min(NEAR_DEADLINE)),
            access,
            environment,
            held: Mutex::default(),
        }
    }

    /// Makes ready to ask a service.
    pub(crate) async fn visit(&self, service: Service) -> Result<Visit<'_>, String> {
        let found = self.found().await?;
        let http = self.http.prepare().await?;
        let near = self.near.prepare().await?;
        let mut held = self.held.lock().await;
        let region = match found.region.clone().or_else(|| held.region.clone()) {
            Some(region) => region,
            None => {
                let region = self.region_of_instance(&near).await?;
                held.region.insert(region).clone()
            }
        };
        check_region(&region)?;
        let place = |service, configured| self.place(&found, service, &region, configured);
        let sts = place(Service::Sts, None);
        let place = place(service, self.access.endpoint.clone())?;
        let asking = Asking {
            http: &http,
            near: &near,
            sts: &sts,
        };
        let credentials = held.credentials(found.source, &asking).await?;
        Ok(Visit {
            aws: self,
            http,
            place,
            credentials,
        })
    }

    /// Reads the files where waiting for them holds nobody up.
    async fn found(&self) -> Result<Found, String> {
        let (access, environment) = (self.access.clone(), self.environment.clone());
        let found = tokio::task::spawn_blocking(move || Found::of(&access, &environment)).await;
        found.map_err(|error| error.to_string())?
    }

    async fn region_of_instance(&self, near: &Prepared) -> Result<String, String> {
        let asked = match InstanceMetadata::of(&self.environment) {
            Ok(metadata) => metadata.region(near).await,
            Err(error) => Err(error),
        };
        asked.map_err(|error| {
            format!(
                "no region: neither the configuration, nor AWS_REGION, nor a profile names one, and {error}"
            )
        })
    }

    fn place(
        &self,
        found: &Found,
        service: Service,
        region: &str,
        configured: Option<url::Url>,
    ) -> Result<Place, String> {
        let url = match configured {
            Some(url) => url,
            None => {
                let name = profile_name(self.access.profile.as_deref(), &self.environment);
                let profile = found.profiles.get(name)?;
                service.endpoint(region, &self.environment, profile)?
            }
        };
        Ok(Place {
            service,
            region: region.to_owned(),
            url,
        })
    }
}

impl Found {
    fn of(access: &Access, environment: &Environment) -> Result<Self, String> {
        let profiles = Profiles::read(environment)?;
        let source = source(access, environment, &profiles)?;
        let of_environment = environment.first(&["AWS_REGION", "AWS_DEFAULT_REGION"]);
        let region = match access.region.as_deref().or(of_environment) {
            Some(region) => Some(region.to_owned()),
            None => {
                let name = profile_name(access.profile.as_deref(), environment);
                profiles.get(name)?.get("region").map(str::to_owned)
            }
        };
        Ok(Self {
            region,
            source,
            profiles,
        })
    }
}

impl Held {
    /// Those that hold, else new ones. While no new ones are had, the old ones are used as long as they last.
    async fn credentials(
        &mut self,
        source: Source,
        asking: &Asking<'_>,
    ) -> Result<Credentials, String> {
        let now = Timestamp::now();
        self.credentials.take_if(|(known, _)| *known != source);
        if let Some((_, credentials)) = &self.credentials
            && !credentials.are_stale(now)
        {
            return Ok(credentials.clone());
        }
        match (source.credentials(asking).await, &self.credentials) {
            (Ok(credentials), _) => {
                self.credentials = Some((source, credentials.clone()));
                Ok(credentials)
            }
            (Err(error), Some((_, old))) if !old.have_ended(now) => {
                tracing::warn!(error, "AWS credentials end soon and were not renewed");
                Ok(old.clone())
            }
            (Err(error), _) => Err(error),
        }
    }
}

impl Visit<'_> {
    /// Where it is.
    pub(crate) fn region(&self) -> &str {
        &self.place.region
    }

    /// Asks. Credentials that are refused are not used again.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        name: &str,
        parameters: &[(String, String)],
    ) -> Result<T, String> {
        let action = Action { name, parameters };
        let answer = ask(&self.http, &self.place, action, Some(&self.credentials)).await;
        match answer {
            Ok(answer) => Ok(answer),
            Err(failure) => {
                if failure.is_of_credentials() {
                    let mut held = self.aws.held.lock().await;
                    // Another visit may have had new ones since.
                    let refused = &self.credentials;
                    held.credentials
                        .take_if(|(_, credentials)| credentials == refused);
                }
                Err(format!("{}:{name}: {failure}", self.place.service.id()))
            }
        }
    }
}
