#!/bin/sh
# Starts the server as the image of Redis does, so that a compose file need not know the difference:
# arguments alone mean redis-server, root becomes redis once the data is its own, and what is
# written is readable to nobody else.
set -e

# `-…` is an option and `….conf` a configuration: both for the server.
case "${1-}" in
  -* | *.conf) set -- redis-server "$@" ;;
esac

is_server() {
  [ "${1-}" = redis-server ] || [ "${1-}" = keytag-server ]
}

if is_server "$@" && [ "$(id -u)" = 0 ]; then
  # A volume may come from an image whose user had another id.
  find . \! -user redis -exec chown redis '{}' +
  exec setpriv --reuid redis --regid redis --clear-groups --no-new-privs "$0" "$@"
fi

# In a container the ports are published by whoever runs it: as in the image of Redis, protected
# mode is off unless the options or the configuration speak of it. It goes before the options, so
# that each of them can still say otherwise.
if is_server "$@"; then
  program=$1
  shift
  case "${1-}" in
    '' | -?*)
      set -- "$program" --protected-mode no "$@"
      ;;
    -)
      # Standard input is the configuration, and can be read only once.
      set -- "$program" "$@"
      ;;
    *)
      configuration=$1
      shift
      if grep -qis '^[[:space:]]*protected-mode[[:space:]]' "$configuration"; then
        set -- "$program" "$configuration" "$@"
      else
        set -- "$program" "$configuration" --protected-mode no "$@"
      fi
      ;;
  esac
fi

if [ "$(umask)" = 0022 ]; then
  umask 0077
fi

exec "$@"
