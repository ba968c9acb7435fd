//! Paths and methods, and their names in metrics and log.

use hyper::Method;

/// What a path means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    /// `/`: whether the service is ready.
    Health,
    /// `/score`: `run`.
    Score,
    /// `/swagger.json`: the service's description.
    Swagger,
    /// Anything else.
    Unknown,
}

impl Route {
    /// Returns the route of a path, which may begin with `/api/v1/service/NAME` (docs/azureml-2019.md#5). Clients that
    /// join a base address with a slash and `/score` send two slashes.
    pub(crate) fn of(path: &str, service: Option<&str>) -> Self {
        let path = path.strip_prefix('/').filter(|rest| rest.starts_with('/')).unwrap_or(path);
        let below =
            service.and_then(|name| path.strip_prefix("/api/v1/service/")?.strip_prefix(name));
        match below.unwrap_or(path) {
            "/" => Self::Health,
            "" if below.is_some() => Self::Health,
            "/score" => Self::Score,
            "/swagger.json" => Self::Swagger,
            _ => Self::Unknown,
        }
    }

    /// The name in metrics and log.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Health => "/",
            Self::Score => "/score",
            Self::Swagger => "/swagger.json",
            Self::Unknown => "other",
        }
    }

    /// Whether the route has the method. A script with `@rawhttp` handles `HEAD` and `OPTIONS` of `/score` itself.
    pub(crate) fn allows(self, method: &Method, is_raw: bool) -> bool {
        match self {
            Self::Score => {
                matches!(*method, Method::GET | Method::POST)
                    || is_raw && matches!(*method, Method::HEAD | Method::OPTIONS)
            }
            Self::Health | Self::Swagger => matches!(*method, Method::GET | Method::HEAD),
            Self::Unknown => true,
        }
    }

    /// The value of a preflight answer's `Access-Control-Allow-Methods`.
    pub(crate) fn methods(self) -> &'static str {
        match self {
            Self::Score => "GET, OPTIONS, POST",
            Self::Health | Self::Swagger | Self::Unknown => "GET, HEAD, OPTIONS",
        }
    }
}

/// The name of a method in metrics (OpenTelemetry's semantic conventions: unknown methods are `_OTHER`).
pub(crate) fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::OPTIONS => "OPTIONS",
        Method::HEAD => "HEAD",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        _ => "_OTHER",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_mean_the_same_below_the_services_prefix() {
        let of = |path| Route::of(path, Some("digits"));
        assert_eq!(of("/"), Route::Health);
        assert_eq!(of("/score"), Route::Score);
        assert_eq!(of("//score"), Route::Score);
        assert_eq!(of("/api/v1/service/digits/score"), Route::Score);
        assert_eq!(of("/api/v1/service/digits/"), Route::Health);
        assert_eq!(of("/api/v1/service/digits/swagger.json"), Route::Swagger);
        assert_eq!(of("/api/v1/service/digitsandmore/score"), Route::Unknown);
        assert_eq!(of("/api/v1/service/other/score"), Route::Unknown);
        assert_eq!(of("/metrics"), Route::Unknown);
    }
}
