"""Os números da prosa são os de medidas.json, arredondados."""

import json
from pathlib import Path

RAIZ = Path(__file__).resolve().parent.parent
MEDIDAS = json.loads(Path(__file__).with_name("medidas.json").read_text(encoding="utf-8"))


def br(numero, casas=0):
    """Um número como se escreve em português: ponto nos milhares, vírgula nos decimais."""
    return f"{numero:,.{casas}f}".translate(str.maketrans(",.", ".,"))


def tabela_esperada():
    treino = MEDIDAS["treino"]["medidas"]
    media = treino["media"]
    um, meio = media["boletim_1.0"], media["boletim_0.7"]
    return {
        "parâmetros": br(treino["parametros"]),
        "tempo de treino": f"{br(MEDIDAS['tempo']['medidas']['segundos'])} s",
        "distância até o limite": f"{br(media['excesso'], 4)} nat por token",
        "histórias válidas, temperatura 1": f"{br(100 * um['derivável'])}%",
        "histórias válidas, temperatura 0,7": f"{br(100 * meio['derivável'])}%",
        "concordâncias certas": f"{br(100 * um['concordância'], 1)}%",
        "histórias inéditas": f"{br(100 * um['novidade'], 1)}%",
    }


def test_a_tabela_de_resultados_do_capitulo_e_a_medida():
    texto = (RAIZ / "04-gpt-do-zero" / "README.md").read_text(encoding="utf-8")
    for linha, valor in tabela_esperada().items():
        assert f"| {linha} | {valor} |" in texto


def test_as_medidas_dizem_onde_e_quando_foram_feitas():
    for medida in MEDIDAS.values():
        assert medida["maquina"] and medida["data"] and medida["commit"]
