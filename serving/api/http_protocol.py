"""How requests are read from a connection: as uvicorn does, with the host of the target."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class HttpProtocol(HttpToolsProtocol):
    """Takes the host from an absolute target instead of from Host (RFC 9112, section 3.2.2)."""

    def on_headers_complete(self) -> None:
        """Replace Host before the application sees the request."""
        _, is_absolute, rest = self.url.partition(b"://")
        if is_absolute and not self.url.startswith(b"/"):
            others = [header for header in self.headers if header[0] != b"host"]
            self.headers[:] = [*others, (b"host", rest.partition(b"/")[0])]
        super().on_headers_complete()
