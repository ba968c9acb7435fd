//! Logins of channels. The gateway keeps the addresses that it asks for in the cache, so it is given addresses without
//! secrets, and each request gets those of its channel on its way.

use async_trait::async_trait;
use http::Extensions;
use mlpack_requirements::percent_decode;
use reqwest::{Client, Request, RequestBuilder, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Error, Middleware, Next};
use url::Url;

use crate::Result;
use crate::conda::channels::Channels;
use crate::net::client;

/// Creates a client that knows the logins and tokens of these channels.
///
/// # Errors
/// If the TLS setup of this machine is unusable.
pub fn client_with_logins(channels: &Channels) -> Result<ClientWithMiddleware> {
    let client = client::http()?;
    let logins = Logins { channels: channels.clone(), client: client.clone() };
    Ok(ClientBuilder::new(client).with(logins).build())
}

struct Logins {
    channels: Channels,
    client: Client,
}

impl Logins {
    /// The same request with the secrets of its channel: a token in the path, a login in its header.
    fn with_secrets(&self, mut request: Request) -> reqwest_middleware::Result<Request> {
        let address = self.channels.with_secret(request.url().as_str());
        let mut address = Url::parse(&address).map_err(Error::middleware)?;
        let (user, password) = (percent_decode(address.username()), address.password());
        let password = password.map(percent_decode);
        // Both succeed for every address that has a host.
        let _ = address.set_username("");
        let _ = address.set_password(None);
        *request.url_mut() = address;
        if user.is_empty() && password.is_none() {
            return Ok(request);
        }
        let request = RequestBuilder::from_parts(self.client.clone(), request);
        Ok(request.basic_auth(user, password).build()?)
    }
}

#[async_trait]
impl Middleware for Logins {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        next.run(self.with_secrets(request)?, extensions).await
    }
}
