# Writes catalogue_text.cpp: the catalogue's files as strings of the program.
# cmake -DDEVICES=devices.toml -DNETWORKS=networks.toml -DOUTPUT=catalogue_text.cpp -P embed.cmake
file(READ ${DEVICES} devices)
file(READ ${NETWORKS} networks)
file(WRITE ${OUTPUT} "// Made from data/devices.toml and data/networks.toml by src/config/embed.cmake.
#include \"config/catalogue.hpp\"

namespace headroom::config {

std::string_view device_profiles_text() {
    return R\"catalogue(${devices})catalogue\";
}

std::string_view network_presets_text() {
    return R\"catalogue(${networks})catalogue\";
}

} // namespace headroom::config
")
