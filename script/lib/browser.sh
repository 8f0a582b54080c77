# shellcheck shell=bash
# Chromium for the browser tests.

provide_browser() {
  local name
  for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null; then
      return
    fi
  done
  if ! command -v apt-get >/dev/null || [[ $(id -u) != 0 ]]; then
    say "browser: skipped, no Chromium here and installing it needs root and apt;" \
      "browser tests will be skipped"
    return
  fi
  say "browser: installing Chromium"
  # libturbojpeg0 is small, and without it Home Assistant's log begins with a traceback.
  apt_install chromium libturbojpeg0 \
    || say "browser: Chromium could not be installed; browser tests will be skipped"
}
