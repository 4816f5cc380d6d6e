"""Os números da prosa são os de medidas.json, arredondados."""

import json
import re
from pathlib import Path

import cadernos
from apoio.numeros import numero, porcento

RAIZ = Path(__file__).resolve().parent.parent
MEDIDAS = json.loads(Path(__file__).with_name("medidas.json").read_text(encoding="utf-8"))


def tabela_esperada():
    treino = MEDIDAS["treino"]["medidas"]
    media = treino["media"]
    um, meio = media["boletim_1.0"], media["boletim_0.7"]
    return {
        "parâmetros": numero(treino["parametros"], 0),
        "tempo de treino": f"{numero(MEDIDAS['tempo']['medidas']['segundos'], 0)} s",
        "excesso (distância até o limite)": f"{numero(media['excesso'], 4)} nat por token",
        "histórias deriváveis, temperatura 1": porcento(um['derivável']),
        "histórias deriváveis, temperatura 0,7": porcento(meio['derivável']),
        "concordâncias certas": porcento(um['concordância'], 1),
        "novidade (histórias que não estavam no treino)": porcento(um['novidade'], 1),
    }


def test_a_tabela_de_resultados_do_capitulo_e_a_medida():
    texto = cadernos.sem_marcas((RAIZ / "04-gpt-do-zero" / "README.md").read_text(encoding="utf-8"))
    for linha, valor in tabela_esperada().items():
        assert f"| {linha} | {valor} |" in texto


def test_as_medidas_dizem_onde_e_quando_foram_feitas():
    for medida in MEDIDAS.values():
        assert medida["maquina"] and medida["data"] and medida["commit"]


def test_a_tabela_do_servidor_e_a_medida_e_a_formula_cobre_cada_linha():
    medido = MEDIDAS["servidor"]["medidas"]
    texto = (RAIZ / "04-gpt-do-zero" / "professor.md").read_text(encoding="utf-8")
    linhas = re.findall(r"^\| (\d+) \| (\d+) s \| (\d+) MB \| ([\d.]+) MB \|$", texto, re.MULTILINE)
    turmas = medido["rodando_tudo"]
    assert linhas == [(str(t["alunos"]), str(t["segundos_do_mais_lento"]), str(t["MB_por_aluno"]), numero(t["MB_de_todos"], 0)) for t in turmas]
    cheio = medido["antes_do_treino"]
    assert f"em {cheio['segundos_desde_o_clique']} s os trinta" in texto and f"{numero(cheio['MB_de_todos'], 0)} MB ao todo" in texto
    por_aluno, do_hub, segundos = (float(re.search(padrao, texto)[1].replace(",", ".")) for padrao in
                                   (r"([\d,]+) GB por aluno", r"mais ([\d,]+) GB do JupyterHub", r"(\d+) segundos de um núcleo por aluno"))
    for t in turmas[1:]:                                         # com dois ou mais, cada aluno tem um núcleo só
        estimado = por_aluno * t["alunos"] + do_hub
        assert 0.95 * t["MB_de_todos"] <= 1000 * estimado <= 1.2 * t["MB_de_todos"]
        assert 0.9 * t["segundos_do_mais_lento"] <= segundos * t["alunos"] / 2 <= 1.2 * t["segundos_do_mais_lento"]
    assert all(medido["queda"].values())


def test_o_que_se_diz_de_dois_treinos_na_mesma_maquina_e_o_medido():
    texto = (RAIZ / "04-gpt-do-zero" / "professor.md").read_text(encoding="utf-8")
    espera, servidor = MEDIDAS["companhia"]["medidas"], MEDIDAS["servidor_espera"]["medidas"]
    do_curso, de_fabrica = ([numero(ms, 0) for ms in espera[qual].values()] for qual in ("do curso", "de fábrica"))
    assert "leva {} ms sozinho, {} com outro treino ao lado e {} com um núcleo ocupado".format(*do_curso) in texto
    assert "de fábrica, {}, {} e {} (`companhia`)".format(*de_fabrica) in texto
    com, sem = servidor["com_limite"][1], servidor["sem_limite"][0]
    assert com["alunos"] == sem["alunos"] == 2
    assert f"levaram {com['segundos_do_mais_lento']} s; sem ele, {sem['segundos_do_mais_lento']} s" in texto


def test_com_outro_treino_ao_lado_o_passo_nao_passa_do_triplo():
    espera = MEDIDAS["companhia"]["medidas"]["do curso"]
    assert espera["com outro treino"] <= 3 * espera["sozinho"]
