# shellcheck shell=bash
# Finds or makes a Python that is new enough for Home Assistant.

PYTHON_WANTED='>=3.14.2'

is_new_enough() {
  [[ -x ${1:-} ]] && "$1" -c 'import sys; sys.exit(sys.version_info < (3, 14, 2))' 2>/dev/null
}

# Print the path of a suitable Python, trying the cheapest way first.
find_python() {
  local found prefix="$CACHE/python-3.14-debian-$MACHINE"
  if [[ ${V2G_VPP_PYTHON:-} == debian ]]; then
    make_debian_python "$prefix"
    return
  fi
  found="$(command -v python3.14 || true)"
  if is_new_enough "$found"; then
    printf '%s\n' "$found"
    return
  fi
  found="$("$UV" python find --no-project "$PYTHON_WANTED" 2>/dev/null || true)"
  if is_new_enough "$found"; then
    printf '%s\n' "$found"
    return
  fi
  if is_new_enough "$prefix/usr/bin/python3.14"; then
    printf '%s\n' "$prefix/usr/bin/python3.14"
    return
  fi
  say "python: asking uv for a build of 3.14"
  if UV_HTTP_RETRIES=1 "$UV" python install --quiet 3.14 >/dev/null 2>&1; then
    found="$("$UV" python find --no-project "$PYTHON_WANTED" 2>/dev/null || true)"
    if is_new_enough "$found"; then
      printf '%s\n' "$found"
      return
    fi
  fi
  say "python: no build could be downloaded; unpacking Debian's packages instead"
  make_debian_python "$prefix"
}

no_python() {
  die "Python $PYTHON_WANTED is missing: install python3.14, for example with" \
    "'uv python install 3.14', and run script/setup again"
}

# A private copy of Debian testing's Python with its own C library, so that it runs
# on a release whose C library is older. Print its path.
make_debian_python() {
  local prefix="$1" python="$1/usr/bin/python3.14" state mirror suite
  if is_new_enough "$python"; then
    printf '%s\n' "$python"
    return
  fi
  has_apt || no_python
  state="$(mktemp -d "$CACHE/apt.XXXXXX")"
  # An empty status file: every dependency down to libc must come along.
  : >"$state/no-status"
  rm -rf "$prefix" "$prefix.new"
  while read -r mirror; do
    for suite in forky sid; do
      say "python: unpacking Debian $suite's python3.14"
      printf 'deb %s%s %s main\n' "$(signed_by)" "$mirror" "$suite" \
        | prepare_private_apt "$state" "$state/no-status" || continue
      unpack_private "$state" "$prefix.new" python3.14 libpython3.14 libstdc++6 libatomic1 \
        || continue
      add_headers "$state" "$prefix.new"
      bind_to_own_libc "$prefix.new" || continue
      mv "$prefix.new" "$prefix"
      break 2
    done
  done < <(debian_mirrors)
  rm -rf "$state" "$prefix.new"
  is_new_enough "$python" || no_python
  printf '%s\n' "$python"
}

# The headers alone, for the few packages that come as source: the -dev packages'
# own dependencies would bring a second tool chain.
add_headers() {
  local state="$1" prefix="$2" archive
  if (cd "$state" && quietly private_apt "$state" download libpython3.14-dev libexpat1-dev); then
    for archive in "$state"/lib*-dev_*.deb; do
      dpkg-deb --extract "$archive" "$prefix"
    done
  else
    say "python: no headers; packages that come only as source will not build"
  fi
}

# Make PREFIX's interpreter start through PREFIX's own loader and libraries.
bind_to_own_libc() {
  local prefix="$1" final="${1%.new}" real loader multiarch
  real="$prefix/usr/bin/python3.14"
  multiarch="$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || true)"
  if [[ -z $multiarch ]]; then
    multiarch="$MACHINE-linux-gnu"
  fi
  loader="$(cd "$prefix/usr/lib/$multiarch" && printf '%s\n' ld-linux-*.so.* | head -n 1)"
  # Forced DT_RPATH, not DT_RUNPATH: it must also hold for the libraries that
  # extension modules ask for.
  "$BOOTSTRAP/bin/patchelf" \
    --set-interpreter "$final/usr/lib/$multiarch/$loader" \
    --force-rpath --set-rpath "$final/usr/lib/$multiarch" "$real"
}
