//! What a target is given of an image: where it is, what decides how it is placed, and the login to pull it.

use mlpack_deploy::{ImageFacts, PullLogin, PullLogins};
use mlpack_oci::{Image, Location, PinnedReference, Reference};
use mlpack_registry::{CredentialStore, Credentials};

use crate::{Argument, Result, Session};

/// Returns the reference of an image that is at a location.
pub(crate) fn pinned(image: &Image, location: &Location) -> PinnedReference {
    PinnedReference { place: place(location), digest: image.digest }
}

/// Returns the login for the image of a location, if it is in a registry.
///
/// # Errors
/// [`Argument::Login`] without one.
pub(crate) fn pull_login(session: &Session, location: &Location) -> Result<Option<PullLogin>> {
    match location {
        Location::Registry(reference) => login(session, reference).map(Some),
        _ => Ok(None),
    }
}

/// Returns where an image is, without its tag.
fn place(location: &Location) -> String {
    match location {
        Location::Registry(reference) => {
            format!("{}/{}", reference.registry(), reference.repository())
        }
        other => other.to_string(),
    }
}

/// Returns what of an image decides how it is placed.
pub(crate) fn facts(image: &Image) -> ImageFacts {
    let config = image.config.config().as_ref();
    let labels = config.and_then(|config| config.labels().clone()).unwrap_or_default();
    ImageFacts {
        labels: labels.into_iter().collect(),
        architecture: image.config.architecture().to_string(),
        user: config.and_then(|config| config.user().clone()).unwrap_or_default(),
    }
}

/// Returns the login of this machine for an image's registry, as a user and a password.
fn login(session: &Session, reference: &Reference) -> Result<PullLogin> {
    Ok(of(session.credentials(reference)?, reference)?)
}

fn of(found: Credentials, reference: &Reference) -> Result<PullLogin, Argument> {
    let found = match found {
        Credentials::Basic { username, password } => {
            let server = reference.registry().to_owned();
            return Ok(PullLogin { server, username, password });
        }
        Credentials::Anonymous => "no login",
        _ => "only a token, which ends",
    };
    let host = reference.registry();
    Err(Argument::Login {
        message: format!("there is {found} for {host} on this machine"),
        hint: format!(
            "log in with a user name and a password that may only pull, with `mlpack login {host}`"
        ),
    })
}

/// The logins that are stored on this machine.
#[derive(Debug)]
pub(crate) struct StoredLogins(CredentialStore);

/// Returns the logins that are stored on this machine.
///
/// # Errors
/// If the password of a user name on the command line cannot be read.
pub(crate) fn stored_logins(session: &Session) -> Result<StoredLogins> {
    Ok(StoredLogins(session.credential_store()?))
}

impl PullLogins for StoredLogins {
    fn pull_login(&self, image: &PinnedReference) -> mlpack_deploy::Result<PullLogin> {
        let target = |source: Box<dyn std::error::Error + Send + Sync>, hint| {
            mlpack_deploy::Error::Target { source, hint }
        };
        let reference = image.place.parse::<Reference>();
        let reference = reference.map_err(|error| target(error.into(), None))?;
        let found = self.0.find(reference.registry(), reference.repository());
        let found = found.map_err(|error| target(error.into(), None))?;
        of(found, &reference).map_err(|error| {
            let hint = error.hint();
            target(error.into(), hint)
        })
    }
}
