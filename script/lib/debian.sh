# shellcheck shell=bash disable=SC2016
# Debian packages unpacked into a folder of our own, without root and without
# touching the machine's package lists or its installed packages.

has_apt() { command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; }

# Repository addresses of the machine's own Debian sources, one a line. Security
# and third-party repositories carry no testing release, so they are left out.
debian_mirrors() {
  apt-get indextargets --no-release-info --format '$(REPO_URI)' 'Created-By: Packages' \
    | grep -i debian | grep -vi security | sort -u
}

# The apt sources of the machine itself. Third-party ones are left out where the
# distribution's own can be told: one that cannot be reached must not cost minutes.
own_sources() {
  local every own
  every="$(apt-get indextargets --no-release-info \
    --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' | sort -u)"
  own="$(grep -iE 'debian|ubuntu|raspbian' <<<"$every" || true)"
  sed -n "s|^.|deb $(signed_by)&|p" <<<"${own:-$every}"
}

# Where the distribution keeps its archive keys. Without the file apt falls back on the
# keys that the machine trusts for any source.
signed_by() {
  local keyring
  # shellcheck disable=SC1091
  keyring="/usr/share/keyrings/$(. /etc/os-release && printf '%s' "$ID")-archive-keyring.gpg"
  if [[ -r $keyring ]]; then
    printf '[signed-by=%s] ' "$keyring"
  fi
}

# apt_install PACKAGE... : install on the machine itself; only for root.
apt_install() {
  export DEBIAN_FRONTEND=noninteractive
  local install=(apt-get install --yes --quiet --no-install-recommends "$@")
  # A new container has no package lists, and old lists name files that are gone.
  "${install[@]}" >/dev/null 2>&1 </dev/null || {
    quietly apt-get update --quiet </dev/null || true
    quietly "${install[@]}" </dev/null
  }
}

# private_apt STATE_DIR ARGUMENT... : apt-get with every list, lock and archive in
# STATE_DIR, whose sources.list and (possibly empty) status file decide what it sees.
private_apt() {
  local state="$1"
  shift
  apt-get \
    -o "Dir::Etc::SourceList=$state/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o "Dir::State=$state" -o "Dir::State::Lists=$state/lists" \
    -o "Dir::State::Status=$state/status" -o "Dir::Cache=$state" \
    -o "Dir::Cache::Archives=$state/archives" -o Debug::NoLocking=1 \
    -o "APT::Sandbox::User=$(id -un)" -o Acquire::Languages=none \
    -o Acquire::Retries=2 -o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30 \
    "$@"
}

# prepare_private_apt STATE_DIR STATUS_FILE: reads the source lines from standard input.
prepare_private_apt() {
  local state="$1" status="$2"
  mkdir -p "$state/lists/partial" "$state/archives/partial"
  cat >"$state/sources.list"
  if [[ -s $state/sources.list ]]; then
    cp "$status" "$state/status"
    # Without this an unreachable repository would be a warning and exit 0.
    quietly private_apt "$state" -o APT::Update::Error-Mode=any update
  else
    say "no Debian package source is configured on this machine"
    return 1
  fi
}

# unpack_private STATE_DIR PREFIX PACKAGE... : the packages and whatever they need
# that the status file does not list as installed, into PREFIX.
unpack_private() {
  local state="$1" prefix="$2" archive
  shift 2
  quietly private_apt "$state" install --yes --no-install-recommends --download-only "$@" \
    || return 1
  mkdir -p "$prefix"
  for archive in "$state"/archives/*.deb; do
    dpkg-deb --extract "$archive" "$prefix" || return 1
  done
}
