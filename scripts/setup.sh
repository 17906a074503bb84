# Functions for other scripts, which source this file: find the checkout, install the Debian packages that
# are missing, configure and build. Sets `root` and `build`. With HEADROOM_WERROR=ON in the environment a
# warning fails the build.

say() { printf '\033[1m== %s\033[0m\n' "$*" >&2; }
fail() { printf 'headroom: %s\n' "$*" >&2; exit 3; }

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${HEADROOM_BUILD:-$root/build/release}

packages=(
    g++ cmake ninja-build pkg-config git python3
    openmpi-bin libopenmpi-dev libopenblas-serial-dev libhdf5-dev hdf5-tools
    libcli11-dev libtomlplusplus-dev libfmt-dev nlohmann-json3-dev
    libgtest-dev libgmock-dev libglpk-dev libbenchmark-dev
    python3-dev python3-pybind11 pybind11-dev
    python3-h5py python3-numpy python3-matplotlib iproute2
)

install_missing() {
    command -v dpkg-query >/dev/null ||
        fail "this script installs Debian packages; on other systems install the equivalents of: ${packages[*]}"
    local missing=() package
    for package in "${packages[@]}"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
            missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    say "installing ${missing[*]}"
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null ||
            fail "these packages are missing and there is no sudo to install them: ${missing[*]}"
        as_root=(sudo)
    fi
    local log
    log=$(mktemp)
    if ! { "${as_root[@]}" apt-get update -qq && "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 </dev/null; then
        tail -n 20 "$log" >&2
        fail "apt-get could not install ${missing[*]}; its last lines are above. Check the network and" \
            "the package sources, then run this again."
    fi
    rm -f "$log"
}

# configure_and_build [TARGET...]
configure_and_build() {
    say "configuring in $build"
    cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DHEADROOM_BENCH=ON \
        -DHEADROOM_WERROR="${HEADROOM_WERROR:-OFF}" >"$build.configure.log" 2>&1 || {
        tail -n 30 "$build.configure.log" >&2
        fail "cmake could not configure; the whole log is $build.configure.log"
    }
    say "building"
    cmake --build "$build" ${1:+--target "$@"} >&2 || fail "the build failed; its messages are above"
}

mkdir -p "$(dirname "$build")" || fail "cannot write to $(dirname "$build")"
