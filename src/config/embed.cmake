# Writes catalogue_text.cpp, which has the catalogue's files and the key descriptions of
# docs/reference/scenario.md as strings.
# cmake -DDEVICES=devices.toml -DNETWORKS=networks.toml -DMODELS=models.toml -DKEYS=scenario.md
#       -DOUTPUT=catalogue_text.cpp -P embed.cmake
file(READ ${DEVICES} devices)
file(READ ${NETWORKS} networks)
file(READ ${MODELS} models)
file(READ ${KEYS} keys)
string(FIND "${keys}" "## Values" first)
if(first LESS 0)
    message(FATAL_ERROR "${KEYS} lacks its section Values")
endif()
string(SUBSTRING "${keys}" ${first} -1 keys)
file(WRITE ${OUTPUT} "// Made from data/devices.toml, networks.toml, models.toml and docs/reference/scenario.md by
// src/config/embed.cmake.
#include \"config/sections/catalogue.hpp\"
#include \"config/reader/key_reference.hpp\"

namespace headroom::config {

std::string_view device_profiles_text() {
    return R\"catalogue(${devices})catalogue\";
}

std::string_view network_presets_text() {
    return R\"catalogue(${networks})catalogue\";
}

std::string_view model_presets_text() {
    return R\"catalogue(${models})catalogue\";
}

std::string_view reference_page() {
    return R\"keys(${keys})keys\";
}

} // namespace headroom::config
")
