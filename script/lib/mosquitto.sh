# shellcheck shell=bash
# Puts a mosquitto broker at .venv/bin/mosquitto.

# Use the machine's broker, or unpack one. Installing the package would do as well,
# but on most machines that also starts a broker on port 1883, which nobody asked for.
provide_mosquitto() {
  local target="$VENV/bin/mosquitto" found
  found="$(PATH="${PATH//$VENV\/bin:/}:/usr/sbin:/usr/local/sbin" command -v mosquitto || true)"
  if [[ -n $found && $found != "$target" && ${V2G_VPP_MOSQUITTO:-} != private ]]; then
    ln -sfn "$found" "$target"
  else
    unpack_mosquitto
    ln -sfn "$CACHE/mosquitto-$MACHINE/mosquitto" "$target"
  fi
  "$target" -h >/dev/null 2>&1 || [[ $? == 3 || $? == 1 ]] \
    || die "mosquitto does not start: install it with your package manager"
}

unpack_mosquitto() {
  local prefix="$CACHE/mosquitto-$MACHINE" state
  [[ ! -x $prefix/mosquitto ]] || return 0
  has_apt || die "mosquitto is missing: install it with your package manager, e.g. 'brew install mosquitto'"
  say "mosquitto: unpacking a private copy"
  rm -rf "$prefix"
  state="$(mktemp -d "$CACHE/apt.XXXXXX")"
  if ! own_sources | prepare_private_apt "$state" /var/lib/dpkg/status \
    || ! unpack_private "$state" "$prefix" mosquitto; then
    rm -rf "$state" "$prefix"
    die "mosquitto is missing: install it with 'apt-get install --no-install-recommends mosquitto'"
  fi
  rm -rf "$state"
  write_mosquitto_wrapper "$prefix"
}

write_mosquitto_wrapper() {
  local prefix="$1" folders
  folders="$(find "$prefix" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:)"
  cat >"$prefix/mosquitto" <<WRAPPER
#!/bin/sh
# The private copy's libraries come first; everything else is the machine's own.
LD_LIBRARY_PATH='$folders'\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
exec '$prefix/usr/sbin/mosquitto' "\$@"
WRAPPER
  chmod +x "$prefix/mosquitto"
}
