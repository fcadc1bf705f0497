//! Files of a folder over HTTP, for this machine alone.

use std::{
    fs::File,
    path::{Component, Path, PathBuf},
};

use tiny_http::{Header, Request, Response, Server};

/// Serves `folder` on the loopback interface until the program is ended.
pub(crate) fn serve(folder: &Path, port: u16) -> Result<(), String> {
    if !folder.join("index.html").is_file() {
        return Err(format!(
            "{}: there is no page; build it with `cargo run --release --manifest-path web/Cargo.toml -- build`",
            folder.display()
        ));
    }
    // Not on other interfaces: browsers give WebGPU to `localhost` and to HTTPS alone.
    let server = Server::http(("127.0.0.1", port)).map_err(|error| {
        format!("port {port} cannot be listened on: {error}; give another, as in `serve {}`", port.wrapping_add(1).max(1024))
    })?;
    println!("http://localhost:{port}/   (Ctrl+C ends it)");
    for request in server.incoming_requests() {
        answer(folder, request);
    }
    Ok(())
}

fn answer(folder: &Path, request: Request) {
    // A browser that has gone away needs no answer.
    let _ = match file_of(folder, request.url()) {
        Some(path) => match File::open(&path) {
            Ok(file) => {
                let mut response = Response::from_file(file);
                for (name, value) in headers(&path) {
                    if let Ok(header) = Header::from_bytes(name, value) {
                        response.add_header(header);
                    }
                }
                request.respond(response)
            }
            Err(_) => request.respond(Response::from_string("cannot be read").with_status_code(500)),
        },
        None => request.respond(Response::from_string("not found").with_status_code(404)),
    };
}

/// The file that an address means; nothing outside of `folder`.
fn file_of(folder: &Path, url: &str) -> Option<PathBuf> {
    let path = url.split(['?', '#']).next().unwrap_or_default().trim_start_matches('/');
    let path = Path::new(if path.is_empty() { "index.html" } else { path });
    let inside = path.components().all(|part| matches!(part, Component::Normal(_)));
    let path = folder.join(path);
    (inside && path.is_file()).then_some(path)
}

fn headers(path: &Path) -> [(&'static str, &'static str); 3] {
    let kind = match path.extension().and_then(|kind| kind.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("json") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("png") => "image/png",
        Some("svg") => "image/svg+xml",
        Some("zip") => "application/zip",
        _ => "application/octet-stream",
    };
    // What was built a moment ago is to be seen, not what was before.
    [("Content-Type", kind), ("Cache-Control", "no-cache"), ("X-Content-Type-Options", "nosniff")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_mean_files_of_the_folder_and_nothing_else() {
        // Where the test is run, which need not be where it was compiled.
        let folder = &std::env::current_dir().unwrap();
        assert_eq!(file_of(folder, "/Cargo.toml?x=1"), Some(folder.join("Cargo.toml")));
        assert_eq!(file_of(folder, "/src/main.rs"), Some(folder.join("src/main.rs")));
        for outside in ["/../Cargo.toml", "/src/../../Cargo.toml", "//etc/passwd", "/no-such-file", "/src"] {
            assert_eq!(file_of(folder, outside), None, "{outside}");
        }
    }
}
