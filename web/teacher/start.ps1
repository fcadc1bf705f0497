# Serves the folder "page" on this computer alone, with what Windows brings along.
$page = Join-Path $PSScriptRoot 'page'
$kinds = @{ '.html' = 'text/html; charset=utf-8'; '.js' = 'text/javascript'; '.css' = 'text/css'; '.wasm' = 'application/wasm'; '.svg' = 'image/svg+xml'; '.png' = 'image/png'; '.webmanifest' = 'application/manifest+json' }
$server = New-Object System.Net.HttpListener
$server.Prefixes.Add('http://localhost:8080/')
$server.Start()
Write-Host 'Open http://localhost:8080/   (close this window to end it)'
Start-Process 'http://localhost:8080/'
while ($server.IsListening) {
    $context = $server.GetContext()
    $name = [IO.Path]::GetFileName($context.Request.Url.LocalPath)
    if (-not $name) { $name = 'index.html' }
    $file = Join-Path $page $name
    if (Test-Path -LiteralPath $file -PathType Leaf) {
        $bytes = [IO.File]::ReadAllBytes($file)
        $kind = $kinds[[IO.Path]::GetExtension($file)]
        if ($kind) { $context.Response.ContentType = $kind }
        $context.Response.OutputStream.Write($bytes, 0, $bytes.Length)
    } else {
        $context.Response.StatusCode = 404
    }
    $context.Response.Close()
}
